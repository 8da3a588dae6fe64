"""Collection `notes` as a job sees it: one stage."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers.collection import PREDICT, StagePlan
from workers.contract import ModelCard
from workers.ehr.notes.planning import NoteRecords
from workers.ehr.notes.settings import ONLY_REFUSE, NotesInput
from workers.ehr.notes.steps import format_steps, split_steps, with_steps
from workers.finished_runs.stage import FinishedStage


class NotesCollection:
    """Implements `workers.collection.Collection`."""

    stages = (PREDICT,)

    def __init__(self, source: NotesInput, storage: StorageSettings) -> None:
        self.source = source
        self.records = NoteRecords(source, storage)
        self._storage = storage

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Cleaning, and the steps of the model's format."""
        if given is None and "prepare_problem" in card.settings:
            raise SpecError(card.settings["prepare_problem"])
        steps = tuple(card.prepare) if given is None else given
        split_steps(list(steps), format_steps(card.format))
        return steps

    def with_steps(self, card: ModelCard, steps: Sequence[Any]) -> ModelCard:
        """The card with the columns that the format gives under these steps."""
        return with_steps(card, steps)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of the only stage: every note of the input, in the order of its files."""
        records = self.records
        return StagePlan(
            stage,
            records.schema,
            records.batches,
            tuple(field.name for field in records.carry),
            header_carry=tuple(records.header_types),
            header_types=records.header_types,
            columns=None,
            state=asdict(records.found),
            tightenable=ONLY_REFUSE,
        )

    def look(self, tables: Iterable[pa.Table]) -> Mapping[str, Any]:
        """How the notes are written, how long they are, and what would be refused."""
        # Planning alone reads no text.
        from workers.ehr.notes.look import look  # noqa: PLC0415

        return look(tables, self.source, self.records.found, self._storage)


def open_collection(source: NotesInput, storage: StorageSettings, compute: Compute) -> NotesCollection:
    """The notes that the input names. Raises SpecError if they cannot be used."""
    return NotesCollection(source, storage)
