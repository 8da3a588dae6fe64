"""`make demo`, as a newcomer runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Wardround, finish, start


@pytest.mark.ray
@pytest.mark.long
def test_the_demo_ends_with_a_table_and_lines_that_work(tmp_path: Path, wardround: Wardround) -> None:
    folder = tmp_path / "demo-output"
    folder.mkdir()
    (folder / "demo.yaml").write_text("of an earlier demo")
    (folder / "stale.txt").write_text("of an earlier demo")
    said = finish(start("demo", "--output", folder, "--progress", "none"), 280)
    assert said.code == 0, said.err
    assert not (folder / "stale.txt").exists()
    table, _, rest = said.out.partition("Look at it:")
    lines, _, reports = rest.partition("Reports: ")
    assert [line.split()[:2] for line in table.splitlines()[:2]] == [["records", "176"], ["ok", table.split()[3]]]
    assert "with text in their pixels" in table
    code = "\n".join(line.strip() for line in lines.splitlines())
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=True)
    assert "text_score" in shown.stdout
    (right,) = (line.split() for line in table.splitlines() if line.startswith("held-out digits read right"))
    assert float(right[4].rstrip("%")) > 96
    for path in reports.strip().split(", "):
        assert Path(path).read_text().startswith("<!doctype html>")
    assert wardround("verify", folder / "run").code == 0


def test_the_demo_does_not_delete_what_is_not_its_own(wardround: Wardround, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    said = wardround("demo", "--output", tmp_path)
    assert said.code == 2
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.ray
@pytest.mark.long
def test_the_hospital_demo_converts_reads_notes_and_scores_visits(tmp_path: Path, wardround: Wardround) -> None:
    said = finish(start("demo", "ehr", "--output", tmp_path, "--progress", "none", "--json"), 290)
    assert said.code == 0, said.err
    told = json.loads(said.out)
    lines = sum(len(path.read_bytes().splitlines()) for path in (tmp_path / "hospital/fhir_r4").glob("*.ndjson"))
    assert told["resources converted"]["statuses"] == {"ok": lines}
    assert told["notes"]["statuses"]["ok"] == told["notes"]["records"] > 0
    assert told["visits"]["statuses"]["ok"] == told["visits"]["records"] > 0
    assert told["problems"]["named"] > 0
    for run in ("hospital", "notes", "events"):
        assert wardround("verify", tmp_path / "results" / run, "--no-source").code == 0
