"""Genotypes out of the table that a conversion wrote."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cluster.storage import ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.genomics.contract import COUNT_SCHEMA, MORE_OF_VARIANTS, SAMPLE_SCHEMA, VARIANT_SCHEMA, GenotypeChunk
from workers.genomics.kernels.codes import row_bytes, take_samples
from workers.genomics.table.layout import BLOCK, DATASET, PARTS, SAMPLES, VARIANTS, VERSION, genotypes_key
from workers.genomics.table.values import bits_of, bytes_of, float_dosages, joined_chunk
from workers.pipeline.read_ahead import read_ahead
from workers.reading.parquet import damage_as, while_planning
from workers.reading.parquet_bounds import parquet_file, parquet_table

_DAMAGED_PART = RecordError(Status.UNREADABLE, "a part of the genotype table is gone or damaged: convert it again")
_AHEAD_BYTES = 64 << 20
_READS = 8
_RECORDS_OF_A_FILE = 1 << 40


@dataclass(frozen=True)
class _Group:
    """Rows of one row group that are wanted, in all blocks of a range of samples."""

    folder: str
    part: str
    number: int
    first: int
    rows: NDArray[np.int64]


class TableSource:
    """Implements `workers.genomics.contract.GenotypeSource`. `uri` is the table: `<run>/table/`.

    Only parts that `parts.parquet` names are read: others may have been left behind by an attempt that failed.
    """

    def __init__(self, uri: str, storage: StorageSettings | None = None) -> None:
        self._store: Store = open_store(uri, storage)
        self.facts = _facts(self._store)
        self._parts = self._frame(PARTS)
        self._sizes = [min(BLOCK, self.sample_count - start) for start in range(0, self.sample_count, BLOCK)]
        self._pool = ThreadPoolExecutor(_READS)

    @property
    def sample_count(self) -> int:
        """Samples of the table."""
        return int(self.facts["samples"])

    @property
    def build(self) -> str | None:
        """The genome build, where the conversion knew it."""
        return self.facts.get("build")

    def variants(self) -> pl.DataFrame:
        """The variants, from the list that the conversion made."""
        frame = self._frame(VARIANTS, [*VARIANT_SCHEMA, *MORE_OF_VARIANTS, "file"])
        # Records are numbered file by file.
        numbered = frame.with_columns(record=pl.col("file").cast(pl.Int64) * _RECORDS_OF_A_FILE + pl.col("record"))
        return _typed(numbered.drop("file"), VARIANT_SCHEMA | MORE_OF_VARIANTS)

    def samples(self) -> pl.DataFrame:
        """The samples, from the list that the conversion made."""
        return _typed(self._frame(SAMPLES, list(SAMPLE_SCHEMA)), SAMPLE_SCHEMA)

    def counts(self) -> pl.DataFrame:
        """The counts that the conversion made."""
        return _typed(self._frame(VARIANTS, list(COUNT_SCHEMA)), COUNT_SCHEMA)

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Genotypes from the parts. Row groups are read ahead of the consumer: as many as 64 MiB hold, at least one."""
        held = max(1, min(_READS, _AHEAD_BYTES // max(1, self._group_bytes(last - first))))

        def submit(group: _Group) -> Future[GenotypeChunk]:
            return self._pool.submit(self._read, group, first, last)

        with closing(read_ahead(self._groups(wanted), submit, held + 1)) as ahead:
            for _, chunk in ahead:
                yield from _cut(chunk, chunk_bytes)

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _group_bytes(self, samples: int) -> int:
        most = max([1, *self._parts["group_rows"].unique().to_list()])
        return int(most) * (row_bytes(samples) + (8 * samples if self.facts.get("dosages") else 0))

    def _groups(self, wanted: NDArray[np.int64] | None) -> Iterator[_Group]:
        for folder, part, first, rows, group_rows in self._parts.iter_rows():
            inside = np.arange(rows)
            if wanted is not None:
                low, high = np.searchsorted(wanted, [first, first + rows])
                inside = wanted[low:high] - first
            numbers = inside // group_rows
            for number in np.unique(numbers):
                chosen = inside[numbers == number] - number * group_rows
                yield _Group(folder, part, int(number), first + int(number) * group_rows, chosen)

    def _read(self, group: _Group, first: int, last: int) -> GenotypeChunk:
        blocks = range(first // BLOCK, -(-last // BLOCK))
        return joined_chunk([self._read_block(group, block, first, last) for block in blocks])

    def _read_block(self, group: _Group, block: int, first: int, last: int) -> GenotypeChunk:
        """The wanted rows of one row group, of those samples of a block that are asked for."""
        key = genotypes_key(group.folder, block, group.part)
        start, width = block * BLOCK, self._sizes[block]
        low, high = max(first - start, 0), min(last - start, width)
        columns = ["variant_idx", "packed", "haploid", *(["dosage"] if self.facts.get("dosages") else [])]
        with damage_as(_DAMAGED_PART, _DAMAGED_PART):
            file = parquet_file(self._store.open_reader(key))
            table = file.read_row_group(group.number, columns=columns, use_threads=False)
        index = table["variant_idx"].to_numpy()[group.rows]
        if len(group.rows) and index[0] != group.first + group.rows[0]:
            reason = "a part of the genotype table has other variants than its list says: convert it again"
            raise RecordError(Status.UNREADABLE, reason)
        packed, _ = bytes_of(table["packed"], row_bytes(width))
        bits, single = bytes_of(table["haploid"], -(-width // 8))
        single = single[group.rows]
        # What stands where a value is null is anything.
        haploid = np.where(single[:, None], bits[group.rows], np.uint8(0)) if single.any() else None
        chunk = GenotypeChunk(
            index,
            high - low,
            np.ascontiguousarray(take_samples(packed[group.rows], low, high)),
            haploid=None if haploid is None else bits_of(haploid, low, high),
        )
        if "dosage" not in columns:
            return chunk
        dosage, has_dosage = bytes_of(table["dosage"], 2 * width)
        if not has_dosage[group.rows].any():
            return chunk
        stored = np.ascontiguousarray(dosage[group.rows, 2 * low : 2 * high]).view("<u2")
        return replace(chunk, dosage=float_dosages(chunk.packed, chunk.samples, stored, has_dosage[group.rows]))

    def _frame(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        problem = f"{name} of the genotype table is missing or damaged: convert it again"
        with while_planning(problem, problem):
            table = parquet_table(self._store.open_reader(name), columns and list(columns))
        return pl.DataFrame(pl.from_arrow(table))


def _typed(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """In the order of its first column, whatever order the file has."""
    return frame.sort(next(iter(schema))).cast(pl.Schema(schema))


def _facts(store: Store) -> dict[str, Any]:
    try:
        facts = json.loads(store.get(DATASET, max_bytes=1 << 20))
    except (ObjectMissing, ObjectTooLarge, ValueError, RecursionError):
        raise SpecError(
            f"{store.uri} has no {DATASET}: name the folder table/ of a finished conversion to the genotype table"
        ) from None
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise SpecError(f"{DATASET} is not of version {VERSION} of the genotype table: convert it again")
    return facts


def _cut(chunk: GenotypeChunk, chunk_bytes: int) -> Iterator[GenotypeChunk]:
    """Pieces of at most `chunk_bytes`, or one variant."""
    each = chunk.packed.shape[1] + (0 if chunk.dosage is None else 4 * chunk.samples)
    rows = max(1, chunk_bytes // max(1, each))
    if len(chunk.variant_idx) <= rows:
        yield chunk
        return
    for at in range(0, len(chunk.variant_idx), rows):
        part = slice(at, at + rows)
        yield GenotypeChunk(
            chunk.variant_idx[part],
            chunk.samples,
            chunk.packed[part],
            None if chunk.dosage is None else chunk.dosage[part],
            None if chunk.haploid is None else chunk.haploid[part],
        )
