"""The text files of PLINK 2: .pvar (variants) and .psam (samples)."""

import re
from collections.abc import Mapping

import polars as pl

from schemas.errors import SpecError
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.files.bim_fam import read_bim, read_fam
from workers.genomics.files.plink_text import (
    allele,
    chromosome,
    identifier,
    positions,
    read_columns,
    sample_frame,
)

RECORD, ALLELE = "record", "allele"

_PVAR = ("#CHROM", "POS", "ID", "REF", "ALT")
_BIM_FIELDS = 6


def read_pvar(body: bytes, name: str) -> pl.DataFrame:
    """Rows of `VARIANT_SCHEMA` with two columns more; a line with several ALT becomes as many, in their order.

    `record` (UInt32) is the line, counted from 0 without the header, and `allele` (UInt8) which of its ALT, from 1.
    A file without `#CHROM` line has the columns of .bim. Raises SpecError.
    """
    columns, start, first_line = _header(body, "#CHROM")
    if columns is None:
        fields = len(body[start : body.find(b"\n", start) % (len(body) + 1)].split())
        variants = read_bim(body[start:], name, centimorgans=fields >= _BIM_FIELDS)
        return variants.with_columns(
            pl.col("variant_idx").cast(pl.UInt32).alias(RECORD), pl.lit(1, pl.UInt8).alias(ALLELE)
        )
    table = read_columns(body[start:], _places(columns, _PVAR, name), name, first_line)
    split = _by_allele(
        table.with_columns(
            pl.int_range(table.height, dtype=pl.UInt32).alias(RECORD), positions(table, "POS", name, first_line)
        )
    )
    return split.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("variant_idx"),
        chromosome("#CHROM").alias("chrom"),
        pl.col("POS").alias("pos"),
        identifier("ID").alias("id"),
        allele("REF").alias("ref"),
        allele("ALT").alias("alt"),
        RECORD,
        ALLELE,
    ).cast(pl.Schema({**VARIANT_SCHEMA, RECORD: pl.UInt32, ALLELE: pl.UInt8}))


def _by_allele(records: pl.DataFrame) -> pl.DataFrame:
    """One row an ALT, with its number."""
    if not records["ALT"].str.contains(",", literal=True).any():
        return records.with_columns(pl.lit(1, pl.UInt8).alias(ALLELE))
    return (
        records.with_columns(pl.col("ALT").str.split(","))
        .with_columns(pl.int_ranges(1, pl.col("ALT").list.len() + 1, dtype=pl.UInt8).alias(ALLELE))
        .explode("ALT", ALLELE)
    )


def read_psam(body: bytes, name: str) -> pl.DataFrame:
    """Rows of `SAMPLE_SCHEMA`. A file without `#FID` or `#IID` line has the columns of .fam. Raises SpecError."""
    columns, start, first_line = _header(body, "#FID", "#IID")
    if columns is None:
        return read_fam(body[start:], name)
    iid = "#IID" if "#IID" in columns else "IID"
    wanted = [column for column in ("#FID", iid, "SEX") if column == iid or column in columns]
    table = read_columns(body[start:], _places(columns, wanted, name), name, first_line)
    fid, sex = ("#FID" if "#FID" in wanted else None), ("SEX" if "SEX" in wanted else None)
    return sample_frame(table, fid, iid, sex, name, first_line)


def _header(body: bytes, *starts: str) -> tuple[list[str] | None, int, int]:
    """Columns as the last header line names them, where the rows begin, and the number of their first line."""
    columns, at, line = None, 0, 1
    while body[at : at + 1] == b"#":
        end = body.find(b"\n", at) + 1 or len(body)
        text = body[at:end].decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith(starts):
            columns = re.split(r"[ \t]+", text)
        at, line = end, line + 1
    return columns, at, line


def _places(columns: list[str], wanted: tuple[str, ...] | list[str], name: str) -> Mapping[int, str]:
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise SpecError(f"{name!r}: its header has no column {missing[0].lstrip('#')}: add it")
    return {columns.index(column): column for column in wanted}
