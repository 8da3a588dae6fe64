"""Variants of genotypes as small tables in test folders."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from workers.genomics.contract import VARIANT_SCHEMA


def read_variants(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Variants of `VARIANT_SCHEMA`, and their frequencies, from a table with `alt_freq` after these columns."""
    table = pl.read_csv(path, separator="\t", infer_schema=False)
    variants = table.select(pl.col(name).cast(kind) for name, kind in VARIANT_SCHEMA.items())
    return variants, table.select(pl.col("variant_idx").cast(pl.Int64), pl.col("alt_freq").cast(pl.Float64))
