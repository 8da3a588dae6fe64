"""Who is where in the data files: what stage `subjects` committed, as one index in memory, about 30 bytes a subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from schemas.status import Status
from schemas.wording import counted
from workers.ehr.events.indexing import COLUMNS, REMEDY
from workers.finished_runs.stage import FinishedStage

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class SubjectIndex:
    """Runs of rows in the order of the data, each of one subject. A subject has one, or with `repair: sort` several."""

    files: tuple[tuple[str, str | None], ...]
    """(uri, etag)"""
    subject: Integers
    file: NDArray[np.int32]
    first: Integers
    rows: Integers
    is_whole: NDArray[np.bool_]
    """False where the subject may have more rows beside them, in a range that could not be indexed."""
    lost: int
    """Ranges of files that could not be indexed: who is in them is not known."""

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Runs by subject, those of one in the order of the data."""
        # Stable: the runs of one subject stay in the order of the data.
        return np.argsort(self.subject, kind="stable")

    @cached_property
    def _sorted(self) -> Integers:
        return self.subject[self.order]

    def spans(self, subjects: Integers) -> tuple[Integers, Integers]:
        """For each of these subjects its places in `order`, from and to; an empty span for one that is not there."""
        left, right = (np.searchsorted(self._sorted, subjects, side=side) for side in ("left", "right"))
        return left, right

    def run(self, run: int) -> dict[str, Any]:
        """One run, as plans have it: without a number of rows where it is not whole."""
        uri, etag = self.files[self.file[run]]
        rows = int(self.rows[run]) if self.is_whole[run] else None
        return {"uri": uri, "etag": etag, "first": int(self.first[run]), "rows": rows}


def read_index(indexed: FinishedStage, repair: bool) -> SubjectIndex:
    """Join what was found range by range. Raises SpecError naming file and row group where MEDS is violated."""
    joiner = _Joiner(repair)
    plan = indexed.plan()
    names = [column.name for column in COLUMNS]
    for shard in range(indexed.run.plan.shards):
        records = plan.shard(shard).to_pylist()
        rows = indexed.rows(shard, ["status", *names])
        for place, record in enumerate(records):
            found = {name: rows[name][place] for name in names}
            joiner.add(record, str(rows["status"][place].as_py()), found)
    index = joiner.finish()
    if not repair:
        joiner.refuse_split(index)
    return index


@dataclass(frozen=True)
class _Range:
    """What joining and messages need of one planned range."""

    file: int
    first_row: int
    record: Mapping[str, Any]
    is_known: bool
    last_time: Any = None


class _Joiner:
    def __init__(self, repair: bool) -> None:
        self._repair = repair
        self._files: list[tuple[str, str | None]] = []
        self._ranges: list[_Range] = []
        self._parts: list[tuple[Integers, Integers, Integers, NDArray[np.bool_], int]] = []
        self._lost = 0

    def add(self, record: Mapping[str, Any], status: str, found: Mapping[str, Any]) -> None:
        if not self._files or self._files[-1][0] != record["uri"]:
            self._files.append((record["uri"], record["etag"]))
        file = len(self._files) - 1
        before = self._ranges[-1] if self._ranges and self._ranges[-1].file == file else None
        known = status == Status.OK
        here = _Range(file, record["first_row"] or 0, record, known, found["last_time"].value if known else None)
        if not known:
            self._lose(here, before)
            return
        subject, first, rows = (
            np.array(found[name].values.to_numpy()) for name in ("subjects", "first_rows", "subject_rows")
        )
        if not len(subject):
            return
        self._ranges.append(here)
        whole = np.ones(len(subject), bool)
        # The first subject may have begun in a range before it that cannot be read.
        whole[0] = before is None or before.is_known
        if before is not None and self._goes_on(file, subject[0]):
            if before.is_known:
                self._refuse_backwards(before, here, found["first_time"].value)
            # A subject that crosses the border of two ranges is one run.
            self._parts[-1][2][-1] += rows[0]
            subject, first, rows, whole = subject[1:], first[1:], rows[1:], whole[1:]
        if len(subject):
            self._parts.append((subject, first, rows, whole, file))

    def _goes_on(self, file: int, subject: int) -> bool:
        """Whether the last subject before this range is the first in it."""
        return bool(self._parts) and self._parts[-1][4] == file and self._parts[-1][0][-1] == subject

    def _lose(self, here: _Range, before: _Range | None) -> None:
        """The last subject before a range that cannot be read may have rows in it: it must not be scored without."""
        self._lost += 1
        self._ranges.append(here)
        if self._repair:
            raise SpecError(
                f"{_named(here, 0)} cannot be read, and with input.repair: sort rows of anybody may lie "
                "there: fix or remove the file"
            )
        if before is not None and before.is_known and self._parts and self._parts[-1][4] == before.file:
            self._parts[-1][3][-1] = False

    def _refuse_backwards(self, before: _Range, here: _Range, first_time: Any) -> None:
        backwards = before.last_time is not None and (first_time is None or first_time < before.last_time)
        if backwards and not self._repair:
            raise SpecError(f"{_named(here, 0)}: the events of a subject are not sorted by time; {REMEDY}")

    def finish(self) -> SubjectIndex:
        empty = np.zeros(0, np.int64)
        subject, first, rows = (np.concatenate([empty, *(part[i] for part in self._parts)]) for i in range(3))
        whole = np.concatenate([np.zeros(0, bool), *(part[3] for part in self._parts)])
        file = np.concatenate([np.zeros(0, np.int32), *(np.full(len(p[0]), p[4], np.int32) for p in self._parts)])
        return SubjectIndex(tuple(self._files), subject, file, first, rows, whole, self._lost)

    def refuse_split(self, index: SubjectIndex) -> None:
        """Raises SpecError if a subject has rows in two places."""
        ordered = index.subject[index.order]
        again = np.flatnonzero(ordered[1:] == ordered[:-1])
        if not again.size:
            return
        one, other = (self._place(index, int(index.order[again[0] + step])) for step in (0, 1))
        raise SpecError(
            f"{counted(len(np.unique(ordered[again])), 'subject')} with rows in more than one place, the first in "
            f"{one} and in {other}; MEDS wants them together in one file: {REMEDY}"
        )

    def _place(self, index: SubjectIndex, run: int) -> str:
        file, row = int(index.file[run]), int(index.first[run])
        held = [found for found in self._ranges if found.file == file and found.first_row <= row]
        return _named(held[-1], row - held[-1].first_row)


def _named(found: _Range, row: int) -> str:
    if found.record["member"] is None:
        return str(found.record["record_id"])
    ends = np.cumsum(found.record["group_rows"])
    group = found.record["member"] + int(np.searchsorted(ends, row, side="right"))
    return f"{found.record['record_id'].rpartition('#')[0]}, row group {group}"
