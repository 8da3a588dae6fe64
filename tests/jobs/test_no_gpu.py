"""A GPU that a spec asks for and this machine has not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from jobs.cli.main import main
from tests.support.mistakes.world import WORLDS


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_told_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = yaml.safe_load(yaml.safe_dump(WORLDS["images"](tmp_path)).replace("HERE", str(tmp_path)))
    for gpus, code in ((1, 2), (0, 0)):
        spec["compute"]["gpus_per_worker"] = gpus
        (tmp_path / "spec.yaml").write_text(yaml.safe_dump(spec))
        assert main(["run", str(tmp_path / "spec.yaml"), "--progress", "none"]) == code
        said = capsys.readouterr().err
        assert ("gpus_per_worker is 1, and torch finds no GPU" in said) == (code == 2)
        assert (tmp_path / "out").exists() == (code == 0)
