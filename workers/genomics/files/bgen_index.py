"""Where the variants of a BGEN file lie: by its index (.bgi, as bgenix makes it), else by going through the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.files.bgen_blocks import BgenHeader, Read, Unfinished, VariantHead, read_head
from workers.genomics.files.plink_text import allele, chromosome, identifier

_HEAD = 4 << 10
_WINDOW = 1 << 20
_LARGE = 64 << 10
"""Bytes of a block from which on only its head is read."""
_MOST_HEAD = 64 << 20
_LAST_POS = (1 << 31) - 1

NO_ALLELE = -1
RECORDS: dict[str, Any] = {"chrom": pl.String, "pos": pl.Int64, "id": pl.String, "alleles": pl.List(pl.String)}


@dataclass(frozen=True)
class BgenIndex:
    """A row a record: what it is, in `records`; the first byte of its block, and the bytes of it."""

    records: pl.DataFrame
    start: NDArray[np.int64]
    size: NDArray[np.int64]


def indexed(body: bytes, read: Read, header: BgenHeader, file_size: int, name: str) -> BgenIndex:
    """By the index `body` of the file `name`. Raises SpecError where it is damaged, or of another file."""
    columns = "chromosome, position, rsid, number_of_alleles, allele1, allele2, file_start_position, size_in_bytes"
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(body)
            # A view could compute for ever; bgenix makes a table.
            if connection.execute("SELECT type FROM sqlite_master WHERE name = 'Variant'").fetchone() != ("table",):
                raise sqlite3.DatabaseError
            rows = connection.execute(f"SELECT {columns} FROM Variant ORDER BY file_start_position").fetchall()
        chrom, pos, rsid, count, first, second, start, size = zip(*rows, strict=True) if rows else ((),) * 8
        starts, sizes = np.array(start, np.int64), np.array(size, np.int64)
        alleles = [[a, b][:n] if n < 3 else [] for a, b, n in zip(first, second, count, strict=True)]
    except (sqlite3.Error, TypeError, ValueError, OverflowError):
        raise SpecError(f"{name!r} is no index of bgenix: make it anew with bgenix -index, or remove it") from None
    _refuse_gaps(starts, sizes, header, file_size, name)
    for at in np.flatnonzero(np.array(count, np.int64) > 2).tolist():
        # The index has two alleles of each.
        alleles[at] = list(_head_at(read, int(starts[at]), header, name).alleles)
    return BgenIndex(_frame(chrom, pos, rsid, alleles, name), starts, sizes)


def _refuse_gaps(
    start: NDArray[np.int64], size: NDArray[np.int64], header: BgenHeader, file_size: int, name: str
) -> None:
    ends = start + size
    follows = np.concatenate([[header.first], ends[:-1]]) if len(start) else start
    if len(start) != header.variants or (start != follows).any() or (len(ends) and ends[-1] > file_size):
        raise SpecError(
            f"{name!r} is the index of another file than the one beside it, or that was cut off: make it anew with "
            "bgenix -index, or remove it"
        )


def gone_through(read: Read, header: BgenHeader, file_size: int, name: str) -> BgenIndex:
    """By the heads of all variants, one after another. Raises SpecError where the file is damaged or cut off."""
    heads: list[VariantHead] = []
    starts: list[int] = []
    for start, head in _heads(read, header, name):
        if start + head.size > file_size:
            break
        starts.append(start)
        heads.append(head)
    if len(heads) != header.variants:
        raise SpecError(
            f"{name!r} has {len(heads)} whole variants where its header promises {header.variants}: it was cut off, "
            "copy it anew"
        )
    chrom, pos, rsid, alleles = ([getattr(head, field) for head in heads] for field in RECORDS)
    frame = _frame(chrom, pos, rsid, alleles, name)
    return BgenIndex(frame, np.array(starts, np.int64), np.array([head.size for head in heads], np.int64))


def _heads(read: Read, header: BgenHeader, name: str) -> Iterator[tuple[int, VariantHead]]:
    window, begins, at, large = b"", 0, header.first, False
    for _ in range(header.variants):
        try:
            head = read_head(window[at - begins :], header.compression)
        except Unfinished:
            window, begins = read(at, _HEAD if large else _WINDOW), at
            if not window:
                return
            head = _parsed(window, read, at, header, name)
        except UnicodeDecodeError:
            raise _damaged(name) from None
        yield at, head
        large = head.size > _LARGE
        at += head.size


def _head_at(read: Read, start: int, header: BgenHeader, name: str) -> VariantHead:
    return _parsed(read(start, _HEAD), read, start, header, name)


def _parsed(window: bytes, read: Read, start: int, header: BgenHeader, name: str) -> VariantHead:
    """The head of a variant of which `window` has the first bytes, and maybe not enough."""
    while True:
        try:
            return read_head(window, header.compression)
        except UnicodeDecodeError:
            raise _damaged(name) from None
        except Unfinished:
            longer = read(start, 8 * len(window)) if len(window) < _MOST_HEAD else window
            if len(longer) <= len(window):
                raise _damaged(name) from None
            window = longer


def _damaged(name: str) -> SpecError:
    return SpecError(f"{name!r} is damaged or cut off where a variant should begin: copy it anew")


def _frame(chrom: object, pos: object, rsid: object, alleles: object, name: str) -> pl.DataFrame:
    try:
        frame = pl.DataFrame({"chrom": chrom, "pos": pos, "id": rsid, "alleles": alleles}, schema=RECORDS)
    except (TypeError, pl.exceptions.PolarsError):
        raise SpecError(f"{name!r} has something else than names and positions of variants: make it anew") from None
    if frame["pos"].null_count() or (frame["pos"] > _LAST_POS).any() or (frame["alleles"].list.len() < 1).any():
        raise SpecError(f"{name!r} has a variant without alleles, or a position that is none")
    return frame


def variants_of(records: pl.DataFrame, ref_last: bool) -> pl.DataFrame:
    """Rows of `VARIANT_SCHEMA`, one an ALT, with their `record` and the `allele` that ALT is, both counted from 0.

    REF is the first allele, or the last; a record of one allele has REF alone, and `NO_ALLELE`.
    """
    numbered = records.with_row_index("record").with_columns(count=pl.col("alleles").list.len().cast(pl.Int64))
    of_ref = (pl.col("count") - 1) if ref_last else pl.lit(0, pl.Int64)
    first = pl.lit(0 if ref_last else 1, pl.Int64)
    split = (
        numbered.with_columns(
            ref=pl.col("alleles").list.get(of_ref),
            allele=pl.int_ranges(first, first + pl.max_horizontal(pl.col("count") - 1, pl.lit(1)), dtype=pl.Int64),
        )
        .explode("allele")
        .with_columns(allele=pl.when(pl.col("count") > 1).then("allele").otherwise(NO_ALLELE))
        .with_columns(alt=pl.when(pl.col("allele") != NO_ALLELE).then(pl.col("alleles").list.get(pl.col("allele"))))
    )
    return split.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("variant_idx"),
        chromosome("chrom"),
        pl.col("pos"),
        identifier("id").replace({"": None}).alias("id"),
        allele("ref"),
        allele("alt"),
        pl.col("record").cast(pl.Int64),
        "allele",
    ).cast(pl.Schema({**VARIANT_SCHEMA, "record": pl.Int64, "allele": pl.Int64}))
