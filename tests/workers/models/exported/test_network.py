"""An exported program gives the network's own numbers, at any size of batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks.nets import DenseNet121, DynUNet, SegResNet, UNet
from torch import nn
from torch.export import Dim

from tests.support.exported_programs import save, small
from workers.models.exported.archive import Archive
from workers.models.exported.network import ExportedNetwork, load_network
from workers.models.exported.program import read_program

SIDE = 16


def read(path: Path) -> ExportedNetwork:
    archive = Archive(path)
    return load_network(archive, read_program(archive.program(), str(path)))


def same(ours: nn.Module, theirs: nn.Module, shape: tuple[int, ...]) -> None:
    given = torch.rand(shape, generator=torch.Generator().manual_seed(shape[0]))
    with torch.inference_mode():
        torch.testing.assert_close(ours(given), theirs(given), rtol=0, atol=1e-6)


def monai(name: str) -> nn.Module:
    torch.manual_seed(0)
    made: dict[str, Any] = {
        "UNet": lambda: UNet(3, 1, 3, (4, 8, 16), (2, 2), num_res_units=2, norm="batch"),
        "SegResNet": lambda: SegResNet(3, 8, 1, 3, blocks_down=(1, 1), blocks_up=(1,), upsample_mode="nontrainable"),
        "DynUNet": lambda: DynUNet(3, 1, 3, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 16], res_block=True),
        "DenseNet": lambda: DenseNet121(3, 1, 3, init_features=8, growth_rate=4, block_config=(2, 2)),
    }
    network: nn.Module = made[name]()
    return network.eval()


@pytest.mark.long
@pytest.mark.parametrize("name", ["UNet", "SegResNet", "DynUNet", "DenseNet"])
def test_networks_of_monai_are_themselves(tmp_path: Path, name: str) -> None:
    network = monai(name)
    shape = (1, SIDE, SIDE, SIDE)
    ours = read(save(network, torch.rand(2, *shape), tmp_path / "model.pt2", {0: Dim("n", min=1, max=64)}))
    for batch in (1, 2, 5):
        same(ours, network, (batch, *shape))


@pytest.mark.parametrize(
    ("free", "batches"),
    [({0: Dim("n", min=2, max=3)}, (1, 2, 3, 4, 7)), (None, (1, 2, 3))],
    ids=["two or three", "two"],
)
def test_batches_of_any_size_are_cut_and_filled_up(
    tmp_path: Path, free: dict[int, Any] | None, batches: tuple[int, ...]
) -> None:
    ours = read(save(small(), torch.rand(2, 1, 8, 8, 8), tmp_path / "model.pt2", free))
    for batch in batches:
        same(ours, small(), (batch, 1, 8, 8, 8))


def test_free_sides_take_any_size_in_their_range_and_no_other(tmp_path: Path) -> None:
    free = {0: Dim("n"), **{axis: Dim(name, min=4, max=12) for axis, name in ((2, "i"), (3, "j"), (4, "k"))}}
    ours = read(save(small(), torch.rand(2, 1, 8, 9, 10), tmp_path / "model.pt2", free))
    same(ours, small(), (3, 1, 5, 11, 12))
    for shape in ((1, 1, 13, 8, 8), (1, 2, 8, 8, 8), (1, 1, 8, 8)):
        with pytest.raises(ValueError, match="takes no tensor of this shape"):
            ours(torch.rand(shape))


def test_what_is_given_is_left_as_it_was(tmp_path: Path) -> None:
    ours = read(save(small(), torch.rand(2, 1, 8, 8, 8), tmp_path / "model.pt2"))
    given = torch.rand(2, 1, 8, 8, 8)
    before = given.clone()
    with torch.inference_mode():
        first, second = ours(given), ours(given)
    assert torch.equal(first, second)
    assert torch.equal(given, before)
