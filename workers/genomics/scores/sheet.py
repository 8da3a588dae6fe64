"""One scoring file in normal form, whatever it was written as."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

ADDITIVE, DOMINANT, RECESSIVE = range(3)

ROW_SCHEMA: dict[str, Any] = {
    "row_nr": pl.Int64,
    "chrom": pl.String,
    "pos": pl.Int64,
    "id": pl.String,
    "effect": pl.String,
    "other": pl.String,
    "kind": pl.UInt8,
    "frequency": pl.Float64,
    "excluded": pl.String,
}
"""One row a row of the file, none left out. `row_nr` counts from 0. `chrom` is the key of
`workers.genomics.scores.builds.chromosome_key`. Alleles are upper case; `other` is null where the file has none, or
several. `kind` is that of `workers.genomics.contract.Weights`. `frequency` is that of the effect allele, where the
file says it. `excluded` is a `workers.genomics.scores.reasons.Reason`, or null."""


@dataclass(frozen=True)
class ScoreSheet:
    """The rows of a file, and the weights of its scores, one or many, that share them.

    `name` is the accession or the file's stem, `build` that of the positions taken, None where the file does not say.
    """

    name: str
    scores: tuple[str, ...]
    build: str | None
    has_positions: bool
    rows: pl.DataFrame
    weights: NDArray[np.float64]
    """(rows, scores); NaN: no weight"""
    warning: str | None = None
    """what is odd about the file and keeps nothing from being read"""
