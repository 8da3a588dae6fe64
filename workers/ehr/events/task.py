"""For whom and when: from the task of a spec to one table of subjects and prediction times."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from cluster.storage import ObjectMissing, ObjectTooLarge, StorageSettings, open_store, split
from schemas.errors import SpecError
from workers.ehr.aces.task import Task, compile_task
from workers.ehr.events.index import SubjectIndex
from workers.ehr.events.labels import KEYS, LabelTable
from workers.ehr.events.settings import EventsInput
from workers.ehr.events.times import LABEL, found_times
from workers.finished_runs.stage import FinishedStage

_COHORT_BYTES = 1 << 20
_MEDS_COLUMNS = ("subject_id", "time", "code", "numeric_value")


class WantedTimes:
    """The task of a spec. Reads the footers of a label table, or the text of a cohort definition, when asked."""

    def __init__(self, source: EventsInput, storage: StorageSettings) -> None:
        self.source = source
        self._storage = storage

    @cached_property
    def state(self) -> Mapping[str, Any]:
        """The texts of a cohort definition, which decide the rows; empty for other tasks."""
        task = self.source.task
        if task.aces is None:
            return {}
        texts = {"aces": self._text("aces", task.aces)}
        return texts if task.predicates is None else texts | {"predicates": self._text("predicates", task.predicates)}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns beside those of MEDS that a cohort looks at. Raises SpecError if it cannot be understood."""
        cohort = cohort_of(self.state)
        return () if cohort is None else tuple(name for name in cohort.columns if name not in _MEDS_COLUMNS)

    @cached_property
    def carry(self) -> tuple[pa.Field, ...]:
        """The columns that are carried to the rows. Raises SpecError for one that is not there."""
        if self._labels is not None:
            return self._labels.carry
        cohort = cohort_of(self.state)
        known = (LABEL.name,) if cohort is not None and cohort.has_labels else ()
        for name in self.source.carry:
            if name not in known:
                raise SpecError(f"input.carry names {name!r}, and the cohort has {' and '.join(known) or 'no label'}")
        return (LABEL,) if self.source.carry else ()

    def read(self, index: SubjectIndex, finished: Sequence[FinishedStage]) -> pa.Table:
        """Every subject and time, unsorted, with the carried columns. Raises SpecError if there is none."""
        if self._labels is not None:
            found = self._labels.read()
        elif self.source.task.reads_events:
            found = found_times(finished[-1], self.source.carry)
        else:
            subjects = np.unique(index.subject)
            at = np.full(len(subjects), np.datetime64(self.source.task.at, "us"))
            found = pa.table([subjects, at], schema=pa.schema(KEYS))
        if not found.num_rows:
            raise SpecError("input.task gives no prediction time at all: check the table, the codes or the cohort")
        return found

    def facts(self) -> Mapping[str, Any]:
        """How many predictions a label table asks for; other tasks find out as they run."""
        return {} if self._labels is None else {"label_rows": self._labels.rows}

    @cached_property
    def _labels(self) -> LabelTable | None:
        task = self.source.task
        return None if task.labels is None else LabelTable(task.labels, self._storage, self.source.carry)

    def _text(self, key: str, uri: str) -> str:
        folder, name = split(uri)
        try:
            return open_store(folder, self._storage).get(name, max_bytes=_COHORT_BYTES).decode("utf-8")
        except ObjectMissing:
            raise SpecError(f"input.task.{key} names a file that is not there: correct the uri") from None
        except (ObjectTooLarge, UnicodeDecodeError):
            raise SpecError(f"input.task.{key} names a file that is not UTF-8 text of at most 1 MiB") from None


def cohort_of(state: Mapping[str, Any]) -> Task | None:
    """The cohort definition of a stage's state, understood. Raises SpecError that names the place."""
    return compile_task(state["aces"], state.get("predicates"), "input.task.aces") if "aces" in state else None
