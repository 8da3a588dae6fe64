"""One small finished run for all tests of what jobs do with one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from schemas.spec import Spec, load_spec
from tests.support.runs import run
from tests.support.small_run import write_spec


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec of a finished run of 13 records in 4 shards, `05-letter.txt` unreadable. Not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    spec = write_spec(folder, str(folder / "out"))
    run(spec.read_text())
    return spec


@pytest.fixture
def copied(small: Path, tmp_path: Path) -> Spec:
    """The same spec with a copy of its run at `tmp_path/out`, which may be changed."""
    shutil.copytree(small.parent / "out", tmp_path / "out")
    path = tmp_path / "spec.yaml"
    path.write_text(small.read_text().replace(f"{small.parent / 'out'}", f"{tmp_path / 'out'}"))
    return load_spec(path)
