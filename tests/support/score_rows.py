"""Rows of scoring files and the variants that they may name, written in a line each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from workers.genomics.contract import VARIANT_SCHEMA
from workers.genomics.scores.choose import Choice
from workers.genomics.scores.sheet import ADDITIVE, ROW_SCHEMA, ScoreSheet


def variants_of(*alleles: str, pos: Sequence[int] | None = None) -> pl.DataFrame:
    """Variants `REF>ALT` of chromosome 1; at position 1, 2, ... if `pos` does not say. Their ids are v0, v1, ..., and
    `variant_idx` is ten times their place."""
    rows = [
        (10 * at, "1", at + 1 if pos is None else pos[at], f"v{at}", *text.split(">"))
        for at, text in enumerate(alleles)
    ]
    return pl.DataFrame(rows, schema=VARIANT_SCHEMA, orient="row")


def rows_of(
    *alleles: str,
    pos: Sequence[int] | None = None,
    kind: Sequence[int] | None = None,
    frequency: Sequence[float | None] | None = None,
) -> pl.DataFrame:
    """Rows `EFFECT/OTHER`, or `EFFECT` alone, of chromosome 1."""
    rows = []
    for at, text in enumerate(alleles):
        effect, _, other = text.partition("/")
        place = at + 1 if pos is None else pos[at]
        is_kind = ADDITIVE if kind is None else kind[at]
        said = None if frequency is None else frequency[at]
        rows.append((at, "1", place, f"v{place - 1}", effect, other or None, is_kind, said, None))
    return pl.DataFrame(rows, schema=ROW_SCHEMA, orient="row")


def sheet_of(
    rows: pl.DataFrame,
    weights: Sequence[Sequence[float]] | None = None,
    name: str = "s",
    build: str | None = None,
    has_positions: bool = True,
) -> ScoreSheet:
    """A file of these rows, with weight 1 if none are given; its scores are `<name>0`, `<name>1`, ... if several."""
    values = np.ones((rows.height, 1)) if weights is None else np.array(weights, float).reshape(rows.height, -1)
    many = values.shape[1]
    scores = (name,) if many == 1 else tuple(f"{name}{at}" for at in range(many))
    return ScoreSheet(name, scores, build, has_positions, rows, values)


def choice_of(place: Sequence[int], rank: Sequence[int]) -> Choice:
    """Rows that were matched to these places."""
    count = len(place)
    return Choice(
        place=np.array(place, np.int64),
        rank=np.array(rank, np.uint8),
        matched=np.array(place) >= 0,
        reason=np.full(count, "", object),
        ambiguous=np.zeros(count, bool),
        found=np.array(place) >= 0,
    )
