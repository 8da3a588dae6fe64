"""What a second list of the input says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from jobs.cli.main import main
from jobs.relisting import Difference, difference
from tests.support.small_run import write_spec


def plan(*records: tuple[str, str | None, int | None]) -> pl.DataFrame:
    schema = {"record_id": pl.String, "etag": pl.String, "size": pl.Int64}
    return pl.DataFrame(records, schema=schema, orient="row")


def test_records_that_came_went_or_changed_are_told_apart() -> None:
    then = plan(("a", "1", 10), ("b", "2", 20), ("c", "3", 30), ("d", None, 40), ("e", None, None))
    now = plan(("b", "2", 20), ("c", "4", 30), ("d", None, 41), ("e", None, None), ("f", "6", 60), ("g", "7", 70))
    assert difference(then, now) == Difference(more=2, fewer=1, changed=2)
    assert str(difference(then, now)) == "2 more, 1 gone, 2 changed"
    assert str(difference(now, now)) == "the same"
    assert difference(plan(), now) == Difference(more=6, fewer=0, changed=0)


def test_an_input_that_changed_since_its_run_was_planned_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path, str(tmp_path / "out"))
    assert main(["run", str(spec), "--progress", "none"]) == 0
    assert main(["plan", str(spec), "--check"]) == 0
    assert "13 records, the same" in capsys.readouterr().out
    archive = tmp_path / "archive"
    (archive / "00.png").unlink()
    (archive / "01.png").write_bytes((archive / "02.png").read_bytes() + b"more")
    for name in ("x.png", "y.png"):
        (archive / name).write_bytes((archive / "02.png").read_bytes())
    assert main(["plan", str(spec), "--check"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "listed twice 14 records, the same" in said
    assert "now 2 more, 1 gone, 1 changed" in said
