"""A conversion to MEDS as a job sees it: its stages, and how each is planned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from schemas.errors import SpecError, VerificationError
from schemas.plan import plan_batch, plan_schema
from schemas.rows import OutputColumn
from schemas.status import Status
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.conversion.layout import ACCOUNT, READ
from workers.conversion.plans import (
    Conversion,
    account_batch,
    account_plan,
    by_file,
    file_records,
    read_plan,
    whole_plan,
)
from workers.ehr.meds import account_stage, metadata_stage, read_stage, sort_stage, subjects_stage
from workers.ehr.meds.chunks import CHUNK_FIELDS, InputFile, planned_chunks
from workers.ehr.meds.hash_slots import slot_range
from workers.ehr.meds.layout import DATASET, METADATA, NO_PART, SORT, SUBJECTS
from workers.ehr.meds.promises import PROMISE_COLUMNS, broken_promises
from workers.ehr.meds.settings import MedsInput
from workers.ehr.meds.tally import add_tallies
from workers.finished_runs.stage import FinishedStage

SUBJECTS_AT_ONCE = 2_000_000
"""Text ids that a worker numbers at a time."""
_REASONS = 5

_RANGE_FIELDS = (pa.field("low", pa.int64(), nullable=False), pa.field("high", pa.int64(), nullable=False))

Files = Callable[[], Sequence[InputFile]]


class MedsConversion(Conversion):
    """Implements `workers.collection.Collection` for every format.

    `root` is the uri under which the keys of `files` lie. `rules` are the mapping rules as plain JSON: they are part of
    the fingerprint, and workers take them from there. `text_ids`: the source names its subjects by text, which
    stage `subjects` turns into numbers.
    """

    def __init__(self, source: MedsInput, root: str, files: Files, rules: Mapping[str, Any], text_ids: bool) -> None:
        self.source = source
        self._root = root
        self._files = files
        self._rules = rules
        self._text_ids = text_ids

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a conversion in their order; `subjects` only where ids are text."""
        return (READ, SUBJECTS, SORT, METADATA, ACCOUNT) if self._text_ids else (READ, SORT, METADATA, ACCOUNT)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage, from the input's chunks or from what the stages before found."""
        if stage == READ:
            return self.chunks_plan(read_stage.COLUMNS)
        (read,) = (one for one in finished if one.run.stage == READ)
        state = {"after": finished[-1].run.fingerprint}
        if finished[-1] is read:
            refuse_nothing(read)
        match stage:
            case "subjects":
                return ranges_plan(
                    SUBJECTS, subjects_stage.COLUMNS, state, lambda: _pieces(read, "subjects", SUBJECTS_AT_ONCE)
                )
            case "sort":
                most = self.source.bucket_bytes
                return ranges_plan(SORT, sort_stage.COLUMNS, state, lambda: _pieces(read, "event_bytes", most))
            case "metadata":
                return whole_plan(METADATA, DATASET, f"{DATASET}/", metadata_stage.COLUMNS, state)
            case _:
                return account_plan(lambda: account_batches(read, finished[-1]), account_stage.COLUMNS, state)

    def chunks_plan(self, columns: tuple[OutputColumn, ...], stage: str = READ) -> StagePlan:
        """The plan of the first stage: a shard a chunk of the input."""
        chunks = lambda: planned_chunks(self._files())  # noqa: E731
        return replace(read_plan(self._root, CHUNK_FIELDS, chunks, columns, {"rules": self._rules}), stage=stage)


def ranges_plan(stage: str, columns: Any, state: Mapping[str, Any], pieces: Callable[[], int]) -> StagePlan:
    """A plan whose records are equal ranges of hash slots."""
    schema = plan_schema(_RANGE_FIELDS)

    def batches() -> Iterator[pa.RecordBatch]:
        count = pieces()
        bounds = [slot_range(piece, count) for piece in range(count)]
        ids = [f"{stage}-{piece:06d}" for piece in range(count)]
        planned: dict[str, list[Any]] = {
            "record_id": ids,
            "uri": ids,
            "low": [b[0] for b in bounds],
            "high": [b[1] for b in bounds],
        }
        yield plan_batch(schema, planned)

    return StagePlan(stage, schema, batches, columns=columns, kind="shards", shard_records=1, state=state)


def _pieces(read: FinishedStage, column: str, most: int) -> int:
    """Into how many pieces to cut, so that each has about `most` of what this column counts."""
    total: int = sum(read.all_rows([column])[column].to_pylist())
    return max(1, -(-total // most))


def account_batches(read: FinishedStage, metadata: FinishedStage) -> Iterator[pa.RecordBatch]:
    """Every record of the input in its order: `<file>#<number in the file>`, and where its outcome lies.

    A file that has another number of records than its source promised has one row more, `<file>#promised`.
    Raises VerificationError where the dataset does not hold the events that were read.
    """
    (written,) = metadata.all_rows(["n_events"])["n_events"].to_pylist()
    rows = read.all_rows([*PROMISE_COLUMNS, "part_events", "outcome_keys"]).to_pylist()
    if written != sum(sum(row["part_events"]) for row in rows):
        raise VerificationError("the dataset does not hold the events that were read: the run is damaged")
    for chunks in by_file(rows):
        yield from file_records(chunks, "part_records")
        for name, there in broken_promises(chunks):
            yield account_batch(record_id=[f"{name}#promised"], uri=[name], part=[NO_PART], row=[there])


def refuse_nothing(read: FinishedStage) -> None:
    """Raises SpecError, with the most frequent reasons, where no record of the input became an event.

    An input that changed since it was planned has a status of its own for that, and is no wrong spec.
    """
    rows = read.all_rows(["status", "part_events", "tally"])
    is_there = all(status == Status.OK for status in rows["status"].to_pylist())
    if not is_there or any(sum(counts) for counts in rows["part_events"].to_pylist()):
        return
    counted = sorted(add_tallies(rows["tally"].to_pylist()), key=lambda row: -row["records"])
    reasons = [f"{row['records']} {row['kind'] or 'records'}: {row['reason']}" for row in counted[:_REASONS]]
    raise SpecError(
        f"nothing in input.uri became an event ({'; '.join(reasons) or 'it has no record'}): check input.uri, "
        "input.format and input.rules, and choose another output.uri"
    )
