"""What a training says of itself, and the same computed from what `job: predict` made of its model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from workers.statistics.discrimination import auroc
from workers.statistics.ranks import rank


def account(output: Path) -> dict[tuple[str, str], int]:
    """Records by split and state, of the manifest."""
    manifest = json.loads((output / "manifest.json").read_text())
    return {(row["split"], row["state"]): row["records"] for row in manifest["tables"]["records by split"]}


def remarks(output: Path) -> list[str]:
    """What the manifest says of the training beside its figures."""
    manifest = json.loads((output / "manifest.json").read_text())
    return [row["remark"] for row in manifest["tables"]["remarks"]]


def losses(output: Path) -> pl.DataFrame:
    """Figures by epoch."""
    return pl.read_parquet(output / "model" / "history.parquet")


def area(scored: pl.DataFrame, output: str, split: str = "held_out") -> float:
    """AUROC of a binary output on the rows of a split."""
    known = scored.filter((pl.col("split") == split) & pl.col(output).is_not_null() & (pl.col("status") == "ok"))
    score, outcome = known[f"score_{output}"].to_numpy().astype(np.float64), known[output].cast(pl.Int64).to_numpy()
    found = auroc(rank(score, outcome)).value
    assert found is not None
    return found


def tuning_figures(scored: pl.DataFrame, truth: str) -> tuple[float, float]:
    """AUROC and mean loss of the scores of a binary output on the tuning rows that have the truth."""
    known = scored.filter((pl.col("split") == "tuning") & pl.col(truth).is_not_null() & (pl.col("status") == "ok"))
    score, outcome = known[f"score_{truth}"].to_numpy().astype(np.float64), known[truth].cast(pl.Int64).to_numpy()
    return area(scored, truth, "tuning"), float(-np.log(np.where(outcome == 1, score, 1 - score)).mean())
