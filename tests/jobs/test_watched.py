"""A run under somebody's eyes: it ends with its report, which is made once."""

import shutil
from pathlib import Path

import pytest

from jobs.signals import StopRequests
from jobs.watched import run
from schemas.errors import IncompleteError
from schemas.spec import Spec, load_spec
from tests.support.small_run import write_spec


@pytest.fixture
def fresh(small: Path, tmp_path: Path) -> Spec:
    """The spec of a run that has not begun."""
    for name in ("archive", "model"):
        shutil.copytree(small.parent / name, tmp_path / name)
    return load_spec(write_spec(tmp_path, str(tmp_path / "out")))


def test_a_run_tells_what_it_does_and_leaves_rows_manifest_and_report(
    fresh: Spec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = run(fresh, StopRequests(), "plain")
    assert not outcome.nothing_to_do
    assert outcome.manifest.statuses == {"ok": 12, "unreadable": 1}
    assert "13 records in 4 shards, 4 to do" in capsys.readouterr().err
    assert outcome.manifest.fingerprint in (tmp_path / "out" / "report.html").read_text()


def test_a_complete_run_is_not_touched_but_a_missing_report_is_made(copied: Spec, tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.html"
    assert run(copied, StopRequests(), "none").nothing_to_do
    assert report.exists()
    report.write_text("somebody's own")
    assert run(copied, StopRequests(), "none").nothing_to_do
    assert report.read_text() == "somebody's own"


def test_a_stop_that_was_asked_for_ends_it_incomplete_and_without_a_report(fresh: Spec, tmp_path: Path) -> None:
    stop = StopRequests()
    stop.count = 2
    with pytest.raises(IncompleteError):
        run(fresh, stop, "none")
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    assert run(fresh, StopRequests(), "none").manifest.records == 13
