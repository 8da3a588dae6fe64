"""Evaluations of made runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from tests.support.made_run import make_run
from tests.support.runs import run


def screened(number: int = 600, seed: int = 0) -> pl.DataFrame:
    """Rows of a model that tells sick from well in part; `sick`, `sex`, `age`, `split` say what they were."""
    generator = np.random.default_rng(seed)
    sick = generator.random(number) < 0.3
    scores = 1 / (1 + np.exp(-(generator.normal(size=number) + 1.5 * sick - 1)))
    return pl.DataFrame(
        {
            "record_id": [f"r{place:05d}" for place in range(number)],
            "score": scores.astype(np.float32),
            "sick": sick.astype(np.int64),
            "sex": generator.choice(["F", "M"], number),
            "age": generator.integers(20, 90, number),
            "split": generator.choice(["tuning", "test", "test"], number),
        }
    )


def spec(uri: str, out: Path, **settings: Any) -> str:
    """A spec that evaluates the run at `uri`: the outcome `sick`, unless `settings` say otherwise."""
    outcome = {"score": "score", "truth": "sick"}
    source = {"run": uri, "outcomes": {"sick": outcome}, "draws": 200, **settings}
    return yaml.safe_dump(
        {
            "job": "evaluate",
            "name": "evaluated",
            "input": source,
            "output": {"uri": str(out)},
            "compute": {"pool": "serial"},
        },
        sort_keys=False,
    )


def evaluated(
    folder: Path, rows: pl.DataFrame, *, scores: tuple[str, ...] = ("score",), **settings: Any
) -> dict[str, Any]:
    """`metrics.json` of the evaluation of these rows."""
    uri = make_run(folder / "run", rows, scores)
    run(spec(uri, folder / "out", **settings))
    found: dict[str, Any] = json.loads((folder / "out" / "metrics.json").read_text())
    return found


def figures(
    found: dict[str, Any], outcome: str = "sick", group: str = "", value: str = ""
) -> dict[tuple[str, str], Any]:
    """By name and point: the figures of one case."""
    one = found["outcomes"][outcome]
    rows = one["groups"][group][value] if group else one["all"]
    return {(row["figure"], row["point"]): row for row in rows}
