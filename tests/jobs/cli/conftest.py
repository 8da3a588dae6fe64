"""One small archive, one small model and one finished run, which tests copy before they damage it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.cli.main import main
from tests.chaos.archive import fill, make_model
from tests.support.cli import Wardround, spec_text

PNG = 13


@pytest.fixture
def wardround(capsys: pytest.CaptureFixture[str]) -> Wardround:
    """The command, in this process."""
    return Wardround(capsys)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen PNG images, five DICOM files of which two cannot be scored, an empty object and a letter."""
    folder = tmp_path_factory.mktemp("archive")
    fill(open_store(str(folder)), PNG)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real ONNX network."""
    return make_model(tmp_path_factory.mktemp("model") / "mean")


@pytest.fixture
def make_spec(tmp_path: Path, archive: Path, model: Path) -> Callable[..., Path]:
    """Writes a spec whose output is `tmp_path/out`; keywords replace its top-level keys."""

    def write(file: str = "spec.yaml", **rest: str) -> Path:
        path = tmp_path / file
        keys = {"output": f"{{uri: {tmp_path / 'out'}}}", **rest}
        path.write_text(spec_text(str(archive), str(model), **keys), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, archive: Path, model: Path) -> Path:
    """A finished run. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "spec.yaml").write_text(spec_text(str(archive), str(model), output=f"{{uri: {folder / 'out'}}}"))
    assert main(["run", str(folder / "spec.yaml"), "--progress", "none"]) == 0
    return folder / "out"


@pytest.fixture
def run_dir(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))
