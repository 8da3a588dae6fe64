"""A GPU that a spec asks for and this machine has not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from jobs.cli.main import main
from tests.support.mistakes.world import WORLDS
from tests.support.ray_cluster import TokenCluster
from tests.support.small_run import finish, start

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@pytest.mark.ray
@pytest.mark.long
def test_a_node_whose_torch_cannot_use_its_gpu_does_not_score_on_the_cpu_instead(tmp_path: Path) -> None:
    spec = yaml.safe_load(yaml.safe_dump(WORLDS["images"](tmp_path)).replace("HERE", str(tmp_path)))
    spec["compute"].update(pool="ray", gpus_per_worker=1)
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(spec))
    cluster = TokenCluster(gpus=1)
    try:
        cluster.wait()
        environment = {**cluster.environment(), "RAY_ADDRESS": cluster.address}
        code, said = finish(start(tmp_path / "spec.yaml", environment), 120)
    finally:
        cluster.stop()
    assert (code, "gpus_per_worker is 1, and torch finds no GPU on" in said) == (2, True), said


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
