"""Stage `read`: chunks of input become events by subject, and an outcome for each record."""

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from cluster.storage import sha256_of
from schemas.errors import WardroundError
from schemas.rows import stage_columns
from schemas.status import Status
from workers.conversion.chunks import guarded
from workers.conversion.layout import READ, part_key
from workers.ehr.meds.chunks import Chunk, chunk_of
from workers.ehr.meds.parts import Part, SubjectType, encode_events, failed_part
from workers.ehr.meds.said import BLANK
from workers.ehr.meds.tally import ELEMENTS, TALLY, Tally
from workers.finished_runs.side import SideObjectRef
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.publish import publish_side
from workers.pipeline.rowtable import build_rows

COLUMNS = stage_columns(
    READ,
    ("part_records", "list<int64>", "records in each part of the chunk"),
    ("part_events", "list<int64>", "events in each part of the chunk"),
    ("event_keys", "list<string>", "where the events of each part lie"),
    ("outcome_keys", "list<string>", "where the outcomes of each part lie"),
    ("blank", "int64", "records that are empty lines"),
    ("event_bytes", "int64", "bytes of its events in memory"),
    ("subjects", "int64", "subjects in its parts, one that is in two of them twice"),
    ("codes", "list<struct<code: string, description: string>>", "codes of its events"),
    ("tally", TALLY, "its records and events by kind, outcome and reason"),
    ("elements", ELEMENTS, "its records by element that was converted, or left out and why"),
)


class ChunkReader(Protocol):
    """The part of a converter that understands its format."""

    @property
    def subject_type(self) -> SubjectType:
        """The type of the column `subject` in its frames."""

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        """Every record of the chunk once, in order, in parts of bounded size. `size` is that of the stored chunk.

        Raises ObjectMissing and ObjectChanged where the input is not what was planned.
        """


class ReadStage(ShardStage):
    """A shard is one chunk.

    Parts are published as they come, so that memory is bounded by a part, however long a compressed file is.
    """

    def __init__(self, context: StageContext, reader: ChunkReader) -> None:
        self._context = context
        self._reader = reader

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the events of one chunk and the outcome of each of its records."""
        (row,) = records.to_pylist()
        chunk_row = _ChunkRow()
        vouched: list[SideObjectRef] = []
        status = Status.OK
        for number, (part, reached) in enumerate(self._parts(chunk_of(row), row["size"])):
            events, outcomes = self._publish(shard, number, part)
            vouched += (events, outcomes)
            chunk_row.add(part, events.key, outcomes.key)
            status = reached
        return ShardTable(build_rows(records, self._context.layout, chunk_row.row(), [status]), vouched=vouched)

    def _parts(self, chunk: Chunk, size: int) -> Iterator[tuple[Part, Status]]:
        subject = self._reader.subject_type
        parts = self._reader.parts(chunk, size)
        return guarded(parts, lambda status, reason: failed_part(subject, status, reason, chunk.kind))

    def _publish(self, shard: int, number: int, part: Part) -> tuple[SideObjectRef, SideObjectRef]:
        fingerprint = self._context.run.fingerprint
        if part.events.height != part.outcomes["n_events"].sum():
            raise WardroundError("the events of a part are not those that its records gave: this is a bug")
        events, outcomes = encode_events(part.events, fingerprint), encode_frame(part.outcomes, fingerprint)
        return (
            publish_side(self._context, SideObject(part_key("events", shard, number, sha256_of(events)), events)),
            publish_side(self._context, SideObject(part_key("outcomes", shard, number, sha256_of(outcomes)), outcomes)),
        )


class _ChunkRow:
    """What the row of a chunk says, while its parts come."""

    def __init__(self) -> None:
        self._lists: dict[str, list[Any]] = {
            name: [] for name in ("part_records", "part_events", "event_keys", "outcome_keys")
        }
        self._sums = {"blank": 0, "event_bytes": 0, "subjects": 0}
        self._codes: dict[str, str | None] = {}
        self._tally = Tally()

    def add(self, part: Part, events: str, outcomes: str) -> None:
        """One more part, and where it lies."""
        for name, value in zip(self._lists, (part.outcomes.height, part.events.height, events, outcomes), strict=True):
            self._lists[name].append(value)
        self._sums["blank"] += int((part.outcomes["reason"] == BLANK).sum())
        self._sums["event_bytes"] += int(part.events.estimated_size())
        self._sums["subjects"] += part.events["subject"].n_unique() if part.events.height else 0
        self._tally.add(part)
        for code, description in part.codes.items():
            if self._codes.get(code) is None:
                self._codes[code] = description

    def row(self) -> dict[str, list[Any]]:
        """Values of the one row, by column."""
        codes = [{"code": code, "description": self._codes[code]} for code in sorted(self._codes)]
        counts = {"tally": self._tally.records(), "elements": self._tally.elements()}
        return {name: [value] for name, value in {**self._lists, **self._sums, "codes": codes, **counts}.items()}
