"""What `status` says of a run that is between two of its stages, or before its end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jobs.cli.main import main
from tests.support.genotype_runs import spec, weights_of, write_score
from tests.support.plink_files import cohort, write_bed
from tests.support.runs import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A finished run of several stages."""
    data = cohort(61, 60)
    write_bed(tmp_path, data)
    write_score(tmp_path / "scores/S1.txt", weights_of(data))
    run(spec(tmp_path, "format: bed, uri: ROOT/cohort.bed"))
    return tmp_path / "out"


def said(out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_between_stages_and_before_the_end_it_says_what_comes_next(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "next" not in said(out, capsys)
    (out / "manifest.json").unlink()
    assert "not complete" in said(out, capsys)
    assert "next its end, where all is checked: the same command goes on" in said(out, capsys)
    (out / "run.json").unlink()
    shutil.rmtree(out / "predictions")
    assert "next the next stage, planned from this one: the same command goes on" in said(out, capsys)
