"""ONNX graphs of five dimensions: the torch network's answers, free sizes and fixed ones, clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import Placement
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.onnx import FORMAT
from workers.images.volumes.networks.res_unet import Config, build
from workers.models.detect import describe

SIDES = (8, 12, 16)
CARD: dict[str, Any] = {
    "format": "volume-onnx",
    "task": "segmentation",
    "head": {"activation": "softmax", "labels": ["background", "anterior", "posterior"]},
    "windows": {"roi": list(SIDES)},
    "prepare": [{"orient": {"axes": "RAS"}}],
}
FREE = {at: name for at, name in enumerate("ncijk") if name != "c"}


def network() -> nn.Module:
    torch.manual_seed(0)
    return build(Config(in_channels=1, num_outputs=3, channels=(4, 8), strides=((2, 2, 2),))).eval()


def write(folder: Path, free: dict[int, str] | None = None, **changes: Any) -> Path:
    """A directory with the network as a graph; without `free` axes it takes two windows of SIDES and nothing else."""
    (folder / "wardround.json").write_text(json.dumps({**CARD, **changes}))
    torch.onnx.export(
        network(),
        (torch.zeros(2, 1, *SIDES),),
        folder / "model.onnx",
        dynamo=False,
        input_names=["volume"],
        output_names=["logits"],
        dynamic_axes={"volume": free, "logits": free} if free else None,
        opset_version=17,
    )
    return folder


def windows(count: int, sides: tuple[int, ...] = SIDES) -> torch.Tensor:
    return torch.rand((count, 1, *sides), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("free", "count"), [(FREE, 3), (None, 3), ({0: "n"}, 1)], ids=["free", "fixed", "free n"])
def test_logits_are_those_of_the_network(tmp_path: Path, free: dict[int, str] | None, count: int) -> None:
    directory = write(tmp_path, free)
    kind, card = describe(directory, "images")
    volume = volume_card(card)
    assert (kind, card.channels, card.prepare) == ("volume-onnx", 1, ({"orient": {"axes": "RAS"}},))
    assert volume is not None
    assert [one.name for one in volume.structures] == ["anterior", "posterior"]
    model = FORMAT.load(directory, card, Placement("cpu", 1))
    with torch.inference_mode():
        torch.testing.assert_close(model.forward(windows(count)), network()(windows(count)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("free", [FREE, None], ids=["free", "fixed"])
def test_windows_that_do_not_fit_are_out_of_contract(tmp_path: Path, free: dict[int, str] | None) -> None:
    directory = write(tmp_path, free)
    model = FORMAT.load(directory, FORMAT.describe(directory), Placement("cpu", 1))
    for given in (windows(1, (7, 12, 16)), windows(1).repeat(1, 2, 1, 1, 1)):
        with pytest.raises(RecordError) as error:
            model.forward(given)
        assert error.value.status is Status.OUT_OF_CONTRACT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"windows": {"roi": [16, 16, 16]}}, "takes volumes of 8 x 12 x 16 voxels, windows.roi is 16 x 16 x 16"),
        ({"windows": None}, "takes volumes of 8 x 12 x 16 voxels: give 'windows'"),
        ({"task": "classification", "windows": None}, "output 'logits' has 5 dimensions, a classification needs 2"),
        ({"head": {"activation": "softmax", "labels": ["background", "a"]}}, "head has 2 labels, the graph gives 3"),
        ({"output": "scores"}, "must be one of the graph's: logits"),
        ({"layout": "NCHW"}, "unknown key 'layout'"),
    ],
)
def test_a_card_that_does_not_fit_its_graph_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(write(tmp_path, **changes))


def test_without_its_card_it_is_told_what_to_write(tmp_path: Path) -> None:
    (write(tmp_path) / "wardround.json").unlink()
    with pytest.raises(SpecError, match=r"four dimensions.*of five dimensions.*format: volume-onnx"):
        describe(tmp_path, "images")
