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
rank, size, folder, kind, state = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=size)
recipe = PointRecipe(4, 1, noise=0, dropout=0, norm=False) if kind == "plain" else PointRecipe(4, 1)
kept = []
resume = open(state, "rb").read() if state else None
fitted = binary_trainer(recipe=recipe, average=0.9, ranks=TorchRanks()).run(resume, kept.append, is_time=lambda: True)
save_file(dict(fitted.weights), f"{folder}/{rank}.safetensors")
open(f"{folder}/state-{rank}", "wb").write(kept[len(kept) // 2])
torch.distributed.destroy_process_group()
"""


def fitted_by_two(folder: Path, kind: str, state: Path | None = None) -> list[dict[str, torch.Tensor]]:
    """The weights that each of them comes to."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    last = [str(folder), kind, str(state or "")]
    words = [[sys.executable, "-c", SCRIPT, str(rank), "2", *last] for rank in range(2)]
    started = [subprocess.Popen(word, cwd=ROOT, env=environment) for word in words]
    assert [process.wait(120) for process in started] == [0, 0]
    return [load_file(folder / f"{rank}.safetensors") for rank in range(2)]


def test_two_processes_come_to_the_weights_of_one(tmp_path: Path) -> None:
    first, second = fitted_by_two(tmp_path / "together", "plain")
    recipe = PointRecipe(4, 1, noise=0, dropout=0, norm=False)
    alone = binary_trainer(recipe=recipe, average=0.9).run(None, lambda data: None).weights
    for name, weight in alone.items():
        assert torch.equal(first[name], second[name])
        assert weight.numpy() == pytest.approx(first[name].numpy(), abs=1e-5)


@pytest.mark.long
def test_two_processes_that_go_on_from_the_state_of_the_first_end_with_the_same_bits(tmp_path: Path) -> None:
    whole = fitted_by_two(tmp_path / "whole", "with running statistics, dropout and noise")
    again = fitted_by_two(tmp_path / "again", "the same", tmp_path / "whole" / "state-0")
    for weights in (*whole[1:], *again):
        for name, weight in whole[0].items():
            assert torch.equal(weights[name], weight)
