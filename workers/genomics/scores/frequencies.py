"""Frequencies of ALT: of the whole cohort, or of a file that somebody gives."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.genomics.scores.builds import chromosome_key
from workers.genomics.scores.parquet import is_parquet
from workers.genomics.scores.target import Target
from workers.genomics.scores.text import read_blocks, separator_of, split_names, text_frame

MAX_BYTES = 8 << 30

_PLACES = {"chrom": ("chrom", "chr"), "pos": ("pos", "position", "bp"), "id": ("id", "snp", "rsid")}
_OF_ALT = {"ref": ("ref",), "alt": ("alt",), "alt_freq": ("alt_freq", "alt_freqs")}
_OF_A1 = {"ref": ("a2",), "alt": ("a1",), "alt_freq": ("maf", "a1_freq", "freq")}
"""PLINK 1.9 calls the frequency of A1 MAF."""
_KINDS: dict[str, Any] = {"pos": pl.Int64}
_PLACE: dict[str, Any] = {"chrom": pl.String, "pos": pl.Int64, "id": pl.String}


def cohort_frequencies(counts: pl.DataFrame) -> pl.DataFrame:
    """`variant_idx` and `alt_freq`, null where no allele was called, from `workers.genomics.contract.COUNT_SCHEMA`."""
    called = pl.col("allele_count")
    return counts.select(
        "variant_idx", pl.when(called > 0).then(pl.col("alt_count") / called).cast(pl.Float64).alias("alt_freq")
    )


def given_frequencies(path: Path, variants: pl.DataFrame) -> pl.DataFrame:
    """`variant_idx` and `alt_freq` of every variant, null where it has none, from plink2's `.afreq`, PLINK 1.9's
    `.frq`, or a table (text or Parquet) with `ref`, `alt`, `alt_freq` and `chrom`, `pos` or `id`.

    Where the file has the alleles the other way round, the frequency is turned round. A line of several ALTs has a
    frequency for each. A variant that the file has twice, in whatever way, has none. Raises SpecError where the columns
    are not there or a frequency is none.
    """
    table = _table(path)
    by = ["chrom", "pos"] if {"chrom", "pos"} <= set(table.columns) else ["id"]
    if not {*by, "ref", "alt", "alt_freq"} <= set(table.columns):
        raise SpecError(
            f"{path}: needs columns ref, alt, alt_freq, and chrom and pos or id (or A1, A2 and MAF as PLINK 1.9 writes "
            "them; beside REF and ALT, maf may be the frequency of either and is not read)"
        )
    table = _by_alt(table, path)
    if not table["alt_freq"].drop_nulls().is_between(0, 1).all():
        raise SpecError(f"{path}: a value of alt_freq is not between 0 and 1")
    absent = [pl.lit(None, kind).alias(name) for name, kind in _PLACE.items() if name not in table.columns]
    target = Target(
        table.with_columns(absent).with_row_index("variant_idx").with_columns(pl.col("variant_idx").cast(pl.Int64))
    )
    asked = variants.select("chrom", pl.col("pos").cast(pl.Int64), "id")
    row, place = target.at_positions(_keys(asked)) if by != ["id"] else target.by_ids(asked)
    mine = variants.select("variant_idx", "ref", "alt")[row]
    there = table.select(pl.col("ref").alias("r"), pl.col("alt").alias("a"), "alt_freq", "ref_freq")[place]
    pairs = pl.concat([mine, there], how="horizontal").with_columns(
        pl.when((pl.col("ref") == pl.col("r")) & (pl.col("alt") == pl.col("a")))
        .then("alt_freq")
        .when((pl.col("ref") == pl.col("a")) & (pl.col("alt") == pl.col("r")))
        .then("ref_freq")
        .alias("alt_freq")
    )
    found = pairs.drop_nulls("alt_freq").group_by("variant_idx").agg(pl.col("alt_freq").first(), pl.len())
    # Which of two is meant cannot be known.
    once = found.filter(pl.col("len") == 1).select("variant_idx", "alt_freq")
    return variants.select("variant_idx").join(once, on="variant_idx", how="left", maintain_order="left")


def expected_copies(variant_idx: NDArray[np.int64], frequencies: pl.DataFrame | None) -> NDArray[np.float64]:
    """`fill` of `workers.genomics.contract.Weights`: twice the frequency; NaN where there is none."""
    if frequencies is None:
        return np.full(len(variant_idx), np.nan)
    asked = pl.DataFrame({"variant_idx": variant_idx}, schema={"variant_idx": pl.Int64})
    found = asked.join(frequencies, on="variant_idx", how="left", maintain_order="left")["alt_freq"]
    return 2 * found.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _keys(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(chromosome_key("chrom").alias("chrom"))


def _table(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_parquet(path) if is_parquet(path) else _text(path)
    except pl.exceptions.PolarsError as error:
        raise SpecError(f"{path}: cannot be read as a table of frequencies") from error
    lower = {name.lower(): name for name in table.columns}
    alleles = _OF_ALT if set(_OF_ALT["alt_freq"]) & lower.keys() else _OF_A1
    known = {**_PLACES, **alleles}
    found = {role: lower[name] for role, names in known.items() for name in reversed(names) if name in lower}
    table = table.select(pl.col(name).alias(role) for role, name in found.items())
    table = table.with_columns(pl.col(name).cast(_KINDS.get(name, pl.String), strict=False) for name in table.columns)
    return table.with_columns(pl.col(name).str.to_uppercase() for name in ("ref", "alt") if name in table.columns)


def _by_alt(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """A row an ALT, with `ref_freq`: what all ALTs of its line leave."""
    split = table.with_columns(pl.col("alt", "alt_freq").str.split(","))
    if not (split["alt"].list.len() == split["alt_freq"].list.len()).fill_null(value=True).all():
        raise SpecError(f"{path}: a line has another number of frequencies than of ALTs: correct it")
    split = split.with_columns(pl.col("alt_freq").list.eval(pl.element().cast(pl.Float64, strict=False)))
    left = 1 - pl.col("alt_freq").list.sum()
    return split.with_columns(left.clip(0, 1).alias("ref_freq")).explode("alt", "alt_freq", empty_as_null=True)


def _text(path: Path) -> pl.DataFrame:
    top, _, rest = b"".join(read_blocks(path, MAX_BYTES)).lstrip().partition(b"\n")
    line = top.decode("utf-8", "replace").strip()
    separator = separator_of(line)
    names = split_names(line, separator)
    columns = {str(place): name.lstrip("#") for place, name in enumerate(names)}
    if len(set(columns.values())) < len(columns):
        raise SpecError(f"{path}: two columns have one name")
    frame = text_frame(rest, len(names), separator)
    return (
        frame.select(pl.col(place).alias(name) for place, name in columns.items())
        if frame.width
        else pl.DataFrame(schema=dict.fromkeys(columns.values(), pl.String))
    )
