"""Stage `read`: chunks of input become parts of the genotype table, and an outcome for each record."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.storage import sha256_of
from schemas.rows import stage_columns
from schemas.status import Status
from workers.conversion.chunks import guarded, key_of
from workers.conversion.layout import READ, part_key
from workers.finished_runs.side import SideObjectRef
from workers.genomics.table.counts import BlockCounter
from workers.genomics.table.layout import OUTCOMES, TABLE, genotypes_key, rows_of_group
from workers.genomics.table.parts import Part, PartWriter
from workers.genomics.table.records import Chunk, RecordReader, Records, failed
from workers.pipeline.context import StageContext
from workers.pipeline.frames import encode_frame
from workers.pipeline.kinds import ShardStage, ShardTable, SideObject
from workers.pipeline.publish import publish_side
from workers.pipeline.rowtable import build_rows

REASONS = "list<struct<outcome: string, reason: string, records: int64>>"
COLUMNS = stage_columns(
    READ,
    ("n_records", "int64", "records of the chunk"),
    ("outcome_rows", "list<int64>", "records in each object of outcomes"),
    ("outcome_keys", "list<string>", "where outcomes lie"),
    (
        "parts",
        "list<struct<chrom: string, part: string, first: int64, rows: int64, group_rows: int64, variants: string>>",
        "parts of the table, and where their variants lie",
    ),
    ("applied", "list<string>", "settings that name a field of the source which was there"),
    ("reasons", REASONS, "records by what became of them"),
)
_OUTCOMES = 65_536
"""Records whose outcomes are written as one object."""


class ReadStage(ShardStage):
    """A shard is one chunk.

    Parts are published as they come: memory is bounded by a part, however long a compressed file is.
    """

    def __init__(self, context: StageContext, reader: RecordReader) -> None:
        self._context = context
        self._reader = reader
        self._counter = BlockCounter(reader.samples["sex"].to_numpy(), context.run.spec.input.get("build"))

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Write the parts of one chunk and the outcome of each of its records."""
        (row,) = records.to_pylist()
        chunk_row = _ChunkRow(self._context, shard, self._counter, self._reader.dosages)
        fingerprint = self._context.run.fingerprint
        writer = PartWriter(self._counter, self._reader.dosages, shard, row["first"], fingerprint)
        status = Status.OK
        for found, reached in self._records(chunk_of(row)):
            status = reached
            numbered = found.variants.with_columns(pl.col("record") + chunk_row.records)
            chunk_row.outcomes(found.outcomes)
            chunk_row.applied |= found.applied
            for part in writer.add(numbered, found.calls):
                chunk_row.part(part)
        for part in writer.close():
            chunk_row.part(part)
        return ShardTable(
            build_rows(records, self._context.layout, chunk_row.row(), [status]), vouched=chunk_row.vouched
        )

    def _records(self, chunk: Chunk) -> Iterator[tuple[Records, Status]]:
        samples = self._reader.samples.height
        return guarded(self._reader.records(chunk), lambda status, reason: failed(status, reason, samples))


def reason_rows(counts: Mapping[tuple[str, str | None], int]) -> list[dict[str, Any]]:
    """Values of a column of type `REASONS`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    return [{"outcome": outcome, "reason": reason, "records": count} for (outcome, reason), count in ordered]


def chunk_of(row: Mapping[str, Any]) -> Chunk:
    """A row of the plan."""
    same = {name: row[name] for name in ("etag", "size", "kind", "file", "file_size", "start", "stop", "first")}
    return Chunk(key=key_of(row["record_id"]), **same)


class _ChunkRow:
    """What the row of a chunk says, and what was published for it."""

    def __init__(self, context: StageContext, shard: int, counter: BlockCounter, dosages: bool) -> None:
        self.records = 0
        self.applied: frozenset[str] = frozenset()
        self.vouched: list[SideObjectRef] = []
        self._context = context
        self._shard = shard
        self._counter = counter
        self._group_rows = rows_of_group(counter.samples, dosages)
        self._waiting: list[pl.DataFrame] = []
        self._rows: list[int] = []
        self._keys: list[str] = []
        self._parts: list[dict[str, Any]] = []
        self._reasons: Counter[tuple[str, str | None]] = Counter()

    def outcomes(self, outcomes: pl.DataFrame) -> None:
        """Take note of what became of some more records."""
        self.records += outcomes.height
        for outcome, reason, count in outcomes.group_by("outcome", "reason").len().iter_rows():
            self._reasons[outcome, reason] += count
        self._waiting.append(outcomes)
        if sum(frame.height for frame in self._waiting) >= _OUTCOMES:
            self._flush()

    def part(self, part: Part) -> None:
        """One more part of the table."""
        for block, body in enumerate(part.bodies):
            self._publish(TABLE + genotypes_key(part.folder, block, part.name), body)
        variants = part.variants.with_columns(**self._counter.columns(part.counts, self._counter.chroms(part.variants)))
        key = self._stage_object("variants", len(self._parts), encode_frame(variants, self._context.run.fingerprint))
        where = {"chrom": part.folder, "part": part.name, "first": part.first, "rows": variants.height}
        self._parts.append({**where, "group_rows": self._group_rows, "variants": key})

    def row(self) -> dict[str, list[Any]]:
        """Values of the one row, by column."""
        self._flush()
        return {
            "n_records": [self.records],
            "outcome_rows": [self._rows],
            "outcome_keys": [self._keys],
            "parts": [self._parts],
            "applied": [sorted(self.applied)],
            "reasons": [reason_rows(self._reasons)],
        }

    def _flush(self) -> None:
        if self._waiting:
            outcomes = pl.concat(self._waiting).select(*OUTCOMES)
            body = encode_frame(outcomes, self._context.run.fingerprint)
            self._keys.append(self._stage_object("outcomes", len(self._keys), body))
            self._rows.append(outcomes.height)
            self._waiting = []

    def _stage_object(self, kind: str, number: int, body: bytes) -> str:
        key = part_key(kind, self._shard, number, sha256_of(body))
        self._publish(key, body)
        return key

    def _publish(self, key: str, body: bytes) -> None:
        self.vouched.append(publish_side(self._context, SideObject(key, body)))
