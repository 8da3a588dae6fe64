"""Run a spec as the command does, and read what it wrote."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cluster.storage import open_store
from jobs.execute import Watchers
from jobs.hosts import open_host
from jobs.running import Outcome, run_stages
from jobs.verification.verify import verify
from schemas.spec import parse_spec

QUIET = Watchers(on_progress=lambda progress: None, should_stop=lambda: "no")


def run(text: str) -> Outcome:
    """The outcome of a spec, every object of it verified."""
    outcome = run_stages(parse_spec(text), open_host, QUIET, lambda line: None)
    verify(open_store(outcome.run_uri))
    return outcome


def rows(folder: Path) -> pl.DataFrame:
    """All rows of a run on this disk, in plan order."""
    parts = [pl.read_parquet(path) for path in sorted((folder / "predictions").glob("shard-*.parquet"))]
    return pl.concat([part.with_columns(pl.col("status").cast(pl.String)) for part in parts])
