"""One small finished run of two models, for every test that reads it, and copies for those that damage it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cluster.storage import open_store
from tests.support.runs import run
from tests.support.small_run import write_spec
from workers.finished_runs.run import FinishedRun, finished_run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """12 images and a letter, in shards of 4, scored by one model under two names."""
    folder = tmp_path_factory.mktemp("finished")
    spec = write_spec(folder, str(folder / "out"))
    model = folder / "model"
    text = spec.read_text().replace(
        f"models: {{mean: {{uri: {model}}}}}", f"models: {{first: {{uri: {model}}}, second: {{uri: {model}}}}}"
    )
    run(text)
    return finished_run(open_store(str(folder / "out")))


@pytest.fixture
def copied(finished: FinishedRun, tmp_path: Path) -> Path:
    """The same run in a folder of the test's own."""
    shutil.copytree(finished.store.uri, tmp_path / "out")
    return tmp_path / "out"
