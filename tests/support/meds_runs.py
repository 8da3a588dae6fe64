"""Run a spec over events as the command does, with the format that says what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.support import history_format
from tests.support.runs import run
from workers import registry

DAY = "1d"


def with_history_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `tests.support.history_format` among the formats of events."""
    formats = {**registry.FORMATS.get("events", {}), "history": "tests.support.history_format"}
    monkeypatch.setitem(registry.FORMATS, "events", formats)


def spec(folder: Path, source: str, output: object, shard_records: int = 16, extra: str = "") -> str:
    """A spec over events; `source` is what stands in `input:` beside the collection."""
    model = history_format.write_model(folder / "model")
    return f"""
job: predict
name: histories
input: {{collection: events, {source}}}
models: {{m: {{uri: {model}}}}}
output: {{uri: "{output}"}}
compute: {{pool: serial, shard_records: {shard_records}}}
{extra}
"""


def run_events(folder: Path, source: str, name: str = "out", shard_records: int = 16) -> pl.DataFrame:
    """The rows of a verified run on this disk, in plan order."""
    run(spec(folder, source, folder / name, shard_records))
    parts = [pl.read_parquet(path) for path in sorted((folder / name / "predictions").glob("shard-*.parquet"))]
    return pl.concat([part.with_columns(pl.col("status").cast(pl.String)) for part in parts])


def known(events: pl.DataFrame, subject: int, when: datetime, exact: bool = False) -> pl.DataFrame:
    """The history of one record, by a filter."""
    time = pl.col("time")
    seen = time <= when
    if not exact:
        seen &= ~((time == time.dt.truncate(DAY)) & (time.dt.date() == when.date()))
    return events.filter((pl.col("subject_id") == subject) & (time.is_null() | seen))


def expected(events: pl.DataFrame, asked: Sequence[tuple[int, datetime]], exact: bool = False) -> pl.DataFrame:
    """What rows must say, by a filter a record: by subject and time."""
    rows = []
    for subject, when in asked:
        history = known(events, subject, when, exact)
        timed = history["time"].drop_nulls()
        rows.append(
            {
                "record_id": f"{subject}@{when.isoformat(timespec='microseconds')}",
                "status": "ok" if len(timed) else "no_events",
                "last_event_time": timed.max(),
                "n_events": history.height if len(timed) else 0,
                "total": history["numeric_value"].cast(pl.Float64).sum() if len(timed) else None,
                "codes": history["code"].str.len_bytes().sum() if len(timed) else None,
                "ages": ((when - timed).dt.total_microseconds() / 86_400e6).sum() if len(timed) else None,
            }
        )
    schema = {"last_event_time": pl.Datetime("us"), "total": pl.Float64, "codes": pl.Int64, "ages": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema)
