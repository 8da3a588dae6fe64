"""The text files of PLINK 1: .bim (variants) and .fam (samples)."""

import polars as pl

from schemas.errors import SpecError
from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.files.plink_text import (
    allele,
    chromosome,
    identifier,
    positions,
    read_columns,
    sample_frame,
)

_BIM = {0: "chrom", 1: "id", 3: "pos", 4: "alt", 5: "ref"}
_BIM_NO_CM = {0: "chrom", 1: "id", 2: "pos", 3: "alt", 4: "ref"}
_FAM = {0: "fid", 1: "iid", 4: "sex"}


def read_bim(body: bytes, name: str, *, centimorgans: bool = True) -> pl.DataFrame:
    """A .bim as rows of `VARIANT_SCHEMA`, numbered by line. ALT is A1 (column 5), REF is A2, as PLINK 2 takes them.

    Without `centimorgans` the third column is left out, as PLINK 2 allows. Raises SpecError.
    """
    table = read_columns(body, _BIM if centimorgans else _BIM_NO_CM, name)
    return table.select(
        pl.int_range(table.height, dtype=pl.Int64).alias("variant_idx"),
        chromosome("chrom"),
        positions(table, "pos", name),
        identifier("id"),
        allele("ref"),
        allele("alt"),
    ).cast(pl.Schema(VARIANT_SCHEMA))


def read_fam(body: bytes, name: str) -> pl.DataFrame:
    """The lines of a .fam as rows of `SAMPLE_SCHEMA`. Raises SpecError."""
    table = read_columns(body, _FAM, name)
    # Taken for a sample it would move every genotype by one line, and a .bed of any size up to three more has room.
    if table.height and str(table["iid"][0]).upper() == "IID":
        raise SpecError(f"{name!r} begins with names of columns, and a .fam has none: take that line out")
    return sample_frame(table, "fid", "iid", "sex", name)
