"""Two processes that fit one network are as one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.support.small_run import ROOT
from tests.support.training import PointRecipe, binary_trainer

SCRIPT = """
import sys
import torch
from safetensors.torch import save_file
from tests.support.training import PointRecipe, binary_trainer
from workers.training.ranks import TorchRanks
rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=size)
recipe = PointRecipe(4, 1, noise=0, dropout=0, norm=False)
fitted = binary_trainer(recipe=recipe, ranks=TorchRanks()).run(None, lambda data: None)
save_file(dict(fitted.weights), f"{folder}/{rank}.safetensors")
torch.distributed.destroy_process_group()
"""


def test_two_processes_come_to_the_weights_of_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [[sys.executable, "-c", SCRIPT, str(rank), "2", str(tmp_path)] for rank in range(2)]
    started = [subprocess.Popen(word, cwd=ROOT, env=environment) for word in words]
    assert [process.wait(120) for process in started] == [0, 0]
    recipe = PointRecipe(4, 1, noise=0, dropout=0, norm=False)
    alone = binary_trainer(recipe=recipe).run(None, lambda data: None).weights
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    for name, weight in alone.items():
        assert torch.equal(first[name], second[name])
        assert weight.numpy() == pytest.approx(first[name].numpy(), abs=1e-5)
