"""Stage `read`: chunks of input become events by subject, and an outcome for each record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import WardroundError
from schemas.rows import OutputColumn
from schemas.status import Status
from workers.engine.context import StageContext
from workers.engine.kinds import ShardTable, SideObject, Vouched
from workers.engine.publish import publish_side
from workers.engine.rowtable import build_rows
from workers.meds.chunks import Chunk, chunk_of
from workers.meds.layout import READ, events_key, outcomes_key
from workers.meds.parts import BLANK, Part, SubjectType, encode, encode_events, failed_part

COLUMNS = tuple(
    OutputColumn(name=name, type=kind, meaning=meaning, model=READ, output=name)
    for name, kind, meaning in (
        ("part_records", "list<int64>", "records in each part of the chunk"),
        ("part_events", "list<int64>", "events in each part of the chunk"),
        ("blank", "int64", "records that are empty lines"),
        ("event_bytes", "int64", "bytes of its events in memory"),
        ("subjects", "int64", "subjects in its parts, one that is in two of them twice"),
        ("codes", "list<struct<code: string, description: string>>", "codes of its events"),
    )
)


class ChunkReader(Protocol):
    """The part of a converter that understands its format."""

    @property
    def subject_type(self) -> SubjectType:
        """Of its frames."""

    def parts(self, chunk: Chunk, size: int) -> Iterator[Part]:
        """Every record of the chunk once, in order, in parts of bounded size. `size` is that of the stored chunk.

        Raises ObjectMissing and ObjectChanged where the input is not what was planned.
        """


class ReadStage:
    """Implements `workers.engine.kinds.TableStage`. A shard is one chunk.

    Parts are published as they come, so that memory is bounded by a part, however long a compressed file is.
    """

    def __init__(self, context: StageContext, reader: ChunkReader) -> None:
        self.core_seconds = 0.0
        self._context = context
        self._reader = reader

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """See TableStage."""
        (row,) = records.to_pylist()
        began = time.thread_time()
        values: dict[str, Any] = {"part_records": [], "part_events": [], "blank": 0, "event_bytes": 0, "subjects": 0}
        codes: dict[str, str | None] = {}
        status, vouched = Status.OK, list[Vouched]()
        for number, (part, trouble) in enumerate(self._parts(chunk_of(row), row["size"])):
            vouched += self._publish(shard, number, part)
            values["part_records"].append(part.outcomes.height)
            values["part_events"].append(part.events.height)
            values["blank"] += int((part.outcomes["reason"] == BLANK).sum())
            values["event_bytes"] += part.events.estimated_size()
            values["subjects"] += part.events["subject"].n_unique() if part.events.height else 0
            for code, text in part.codes.items():
                codes[code] = text if codes.get(code) is None else codes[code]
            status = trouble or status
        listed = [{"code": code, "description": codes[code]} for code in sorted(codes)]
        columns = {name: [value] for name, value in values.items()} | {"codes": [listed]}
        table = build_rows(records, self._context.layout, columns, [status])
        self.core_seconds += time.thread_time() - began
        return ShardTable(table, vouched=vouched)

    def _parts(self, chunk: Chunk, size: int) -> Iterator[tuple[Part, Status | None]]:
        subject = self._reader.subject_type
        try:
            for part in self._reader.parts(chunk, size):
                yield part, None
        except ObjectMissing:
            reason, status = "the file is gone since it was planned", Status.MISSING
            yield failed_part(subject, status, reason, chunk.kind), status
        except ObjectChanged:
            reason, status = "the file was changed since it was planned", Status.INPUT_CHANGED
            yield failed_part(subject, status, reason, chunk.kind), status

    def _publish(self, shard: int, number: int, part: Part) -> list[Vouched]:
        fingerprint = self._context.run.fingerprint
        if part.events.height != part.outcomes["n_events"].sum():
            raise WardroundError("the events of a part are not those that its records gave: this is a bug")
        bodies = {
            events_key(shard, number): encode_events(part.events, fingerprint),
            outcomes_key(shard, number): encode(part.outcomes, fingerprint),
        }
        return [publish_side(self._context, SideObject(key, body)) for key, body in bodies.items()]

    def close(self) -> None:
        """Nothing runs in the background."""
