"""The JSON files of a run directory: there, absent or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import open_store
from schemas.errors import IncompleteError, UsageError, VerificationError
from schemas.run import stage_directory
from workers.finished_runs.documents import existing_manifest, existing_run, read_manifest, read_run
from workers.finished_runs.run import FinishedRun


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert read_run(store) is None
    assert read_manifest(store) is None


def test_what_is_there_is_read(finished: FinishedRun) -> None:
    assert read_run(finished.store) == finished.run
    assert read_manifest(finished.store) == finished.manifest


@pytest.mark.parametrize("name", ["run.json", "manifest.json"])
def test_what_is_damaged_is_said(copied: Path, name: str) -> None:
    (copied / name).write_text("{")
    with pytest.raises(VerificationError, match=f"{name} is damaged"):
        (read_run if name == "run.json" else read_manifest)(open_store(str(copied)))


def test_where_no_run_lies_it_is_not_called_incomplete(tmp_path: Path) -> None:
    for existing in (existing_run, existing_manifest):
        with pytest.raises(UsageError, match="no run lies at"):
            existing(open_store(str(tmp_path)))


def test_a_run_that_is_under_way_is_incomplete_also_before_its_last_stage_began(copied: Path) -> None:
    (copied / "manifest.json").unlink()
    store = open_store(str(copied))
    assert existing_run(store).stage == "predict"
    with pytest.raises(IncompleteError, match="it is not complete"):
        existing_manifest(store)
    first = copied / stage_directory("subjects")
    first.mkdir(parents=True)
    (copied / "run.json").rename(first / "run.json")
    for existing in (existing_run, existing_manifest):
        with pytest.raises(IncompleteError, match="un its spec again first"):
            existing(store)
