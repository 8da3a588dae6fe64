"""Parts of a genotype table, encoded as the variants of a chunk come by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workers.genomics.table.counts import BlockCounter, Tally, joined_tallies
from workers.genomics.table.layout import (
    BLOCK,
    blocks_of,
    folder_of,
    genotype_schema,
    part_name,
    rows_of_group,
    rows_of_part,
)
from workers.genomics.table.records import Calls
from workers.pipeline.rowtable import stamp


@dataclass(frozen=True)
class Part:
    """A finished part. `variants` has `variant_idx` and the counts of all samples; `bodies` are Parquet by block."""

    folder: str
    name: str
    first: int
    variants: pl.DataFrame
    counts: Tally
    bodies: tuple[bytes, ...]


@dataclass
class _Open:
    folder: str
    sinks: list[pa.BufferOutputStream]
    writers: list[pq.ParquetWriter]
    waiting: list[Calls] = field(default_factory=list)
    variants: list[pl.DataFrame] = field(default_factory=list)
    counts: list[Tally] = field(default_factory=list)
    waiting_rows: int = 0
    rows: int = 0
    written: int = 0


class PartWriter:
    """Takes variants in order, gives parts. A part has variants of one folder, and is no longer than `rows_of_part`.

    Holds a row group of all samples, and the part so far as compressed. Variants are numbered from `first` on, in the
    order of the parts: that in which they come, unless chromosomes change to and fro within one call of `add`.
    """

    def __init__(self, counter: BlockCounter, dosages: bool, shard: int, first: int, fingerprint: str) -> None:
        samples = counter.samples
        self._counter = counter
        self._samples = samples
        self._shard = shard
        self._next = first
        self._fingerprint = fingerprint
        self._group = rows_of_group(samples, dosages)
        self._most = rows_of_part(samples, dosages)
        self._parts = 0
        self._open: _Open | None = None

    def add(self, variants: pl.DataFrame, calls: Calls) -> Iterator[Part]:
        """Parts that are complete with these."""
        folders = pl.Series([folder_of(chrom) for chrom in variants["chrom"]], dtype=pl.String)
        for folder in folders.unique(maintain_order=True):
            rows = (folders == folder).arg_true().to_numpy()
            yield from self._add(folder, variants[rows], calls if len(rows) == len(folders) else calls.take(rows))

    def close(self) -> Iterator[Part]:
        """The last part."""
        if self._open is not None:
            yield self._finish(self._open)
            self._open = None

    def _add(self, folder: str, variants: pl.DataFrame, calls: Calls) -> Iterator[Part]:
        at = 0
        while at < variants.height:
            if self._open is not None and (self._open.folder != folder or self._open.rows == self._most):
                yield from self.close()
            current = self._open = self._open or self._opened(folder)
            taken = min(variants.height - at, self._group - current.waiting_rows, self._most - current.rows)
            current.waiting.append(calls.take(slice(at, at + taken)))
            current.variants.append(variants[at : at + taken])
            current.waiting_rows += taken
            current.rows += taken
            at += taken
            if current.waiting_rows == self._group:
                self._write(current)

    def _opened(self, folder: str) -> _Open:
        sinks = [pa.BufferOutputStream() for _ in range(blocks_of(self._samples))]
        writers = []
        for block, sink in enumerate(sinks):
            schema = stamp(genotype_schema(self._width(block)).empty_table(), self._fingerprint).schema
            # Statistics and dictionaries of columns of whole kilobytes would only make files larger.
            writers.append(
                pq.ParquetWriter(
                    sink,
                    schema,
                    compression="zstd",
                    use_dictionary=False,
                    write_statistics=["variant_idx", "n_missing", "alt_count"],
                )
            )
        return _Open(folder, sinks, writers)

    def _width(self, block: int) -> int:
        return min(BLOCK, self._samples - block * BLOCK)

    def _write(self, current: _Open) -> None:
        """One row group in every block."""
        calls = _joined(current.waiting, self._samples)
        rows = len(calls.packed)
        index = np.arange(rows) + self._next + current.written
        chroms = self._counter.chroms(pl.concat(current.variants)[current.written :])
        counts: Tally | None = None
        for block, writer in enumerate(current.writers):
            width = self._width(block)
            part = _block_of(calls, block, width)
            counted = self._counter.count(part, chroms, block)
            writer.write_table(_block_table(index, part, counted, writer.schema, width), row_group_size=rows)
            counts = counted if counts is None else counts + counted
        assert counts is not None
        current.counts.append(counts)
        current.written += rows
        current.waiting, current.waiting_rows = [], 0

    def _finish(self, current: _Open) -> Part:
        if current.waiting_rows:
            self._write(current)
        for writer in current.writers:
            writer.close()
        variants = pl.concat(current.variants)
        index = np.arange(current.rows) + self._next
        part = Part(
            folder=current.folder,
            name=part_name(self._shard, self._parts),
            first=self._next,
            variants=variants.select(pl.Series("variant_idx", index), pl.all()),
            counts=joined_tallies(current.counts),
            bodies=tuple(bytes(sink.getvalue()) for sink in current.sinks),
        )
        self._next += current.rows
        self._parts += 1
        return part


def _joined(parts: list[Calls], samples: int) -> Calls:
    """Calls of all, one after another; what some have and others not is filled with what means none."""
    sizes = [len(part.packed) for part in parts]
    haploid = dosage = has = None
    if any(part.haploid is not None for part in parts):
        empty = [np.zeros((size, -(-samples // 8)), np.uint8) for size in sizes]
        haploid = np.concatenate([e if p.haploid is None else p.haploid for e, p in zip(empty, parts, strict=True)])
    if any(part.dosage is not None for part in parts):
        none = [(np.zeros((size, samples), np.uint16), np.zeros(size, bool)) for size in sizes]
        given = [
            n if p.dosage is None or p.has_dosage is None else (p.dosage, p.has_dosage)
            for n, p in zip(none, parts, strict=True)
        ]
        dosage, has = (np.concatenate(column) for column in zip(*given, strict=True))
    return Calls(np.concatenate([part.packed for part in parts]), haploid, dosage, has)


def _block_of(calls: Calls, block: int, width: int) -> Calls:
    """The samples of one block: blocks begin at whole bytes."""
    start = block * BLOCK
    return Calls(
        calls.packed[:, start // 4 : (start + width + 3) // 4],
        None if calls.haploid is None else calls.haploid[:, start // 8 : (start + width + 7) // 8],
        None if calls.dosage is None else calls.dosage[:, start : start + width],
        calls.has_dosage,
    )


def _block_table(index: NDArray[np.int64], calls: Calls, counts: Tally, schema: pa.Schema, width: int) -> pa.Table:
    haploid = calls.haploid
    columns: dict[str, Any] = {
        "variant_idx": pa.array(index),
        "packed": fixed_binary(calls.packed),
        "n_missing": pa.array(counts.calls[:, 3].astype(np.int32)),
        "alt_count": pa.array(counts.alt_count),
        "haploid": pa.nulls(len(index), schema.field("haploid").type)
        if haploid is None
        else fixed_binary(haploid, np.asarray(haploid.any(axis=1))),
        "dosage": pa.nulls(len(index), schema.field("dosage").type)
        if calls.dosage is None
        else fixed_binary(calls.dosage.astype("<u2").view(np.uint8).reshape(len(index), 2 * width), calls.has_dosage),
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def fixed_binary(values: NDArray[np.uint8], there: NDArray[np.bool_] | None = None) -> pa.Array:
    """One value a row of bytes; null where it is not `there`."""
    rows, width = values.shape
    valid = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), rows, [valid, data])
