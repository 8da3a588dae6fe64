"""The JSON files of a run directory: there, absent or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import open_store
from schemas.errors import VerificationError
from workers.finished_runs.documents import read_manifest, read_run
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
