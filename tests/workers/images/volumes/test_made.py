"""A made volume goes through models on volumes, and their networks become ONNX graphs that answer the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from schemas.errors import SpecError
from workers.contract import Placement
from workers.images.made import score_made
from workers.images.onnx_export import export
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats import native, onnx
from workers.images.volumes.networks.res_unet import Config, build

SETTINGS = {"in_channels": 1, "num_outputs": 3, "channels": [4, 8], "strides": [[2, 2, 2]]}
STEPS = [{"resample": {"spacing": [2.0, 2.0, 2.0]}}, {"scale_range": {"low": 0, "high": 255}}]


def weights(seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return build(Config.model_validate(SETTINGS)).state_dict()


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_of_a_segmentation_the_share_of_each_structure_is_told(
    volume_directory: Callable[..., Path], activation: str
) -> None:
    head = {"activation": activation, "labels": ["background", "a", "b"]}
    directory = volume_directory(weights(0), network="res_unet", settings=SETTINGS, prepare=STEPS, head=head)
    found = score_made(native.FORMAT, directory, native.FORMAT.describe(directory))
    assert set(found) == {"share_a", "share_b"}
    assert all(0 <= value <= 1 for value in found.values())


def test_of_a_classification_its_scores(volume_directory: Callable[..., Path]) -> None:
    torch.manual_seed(0)
    from monai.networks.nets import DenseNet

    network = DenseNet(3, 1, 2, 4, 4, (1, 1))
    keys: dict[str, Any] = {
        "task": "classification",
        "network": "monai.DenseNet",
        "settings": {"in_channels": 1, "num_outputs": 2, "init_features": 4, "growth_rate": 4, "block_config": [1, 1]},
        "head": {"activation": "softmax", "labels": ["well", "ill"]},
        "windows": None,
        "prepare": STEPS,
    }
    directory = volume_directory(network.state_dict(), **keys)
    found = score_made(native.FORMAT, directory, native.FORMAT.describe(directory))
    assert set(found) == {"score_well", "score_ill"}
    assert sum(found.values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mean", [None, "logits", "probabilities"])
def test_an_exported_network_answers_the_same_and_keeps_its_card(
    volume_directory: Callable[..., Path], tmp_path: Path, mean: str | None
) -> None:
    several = [weights(seed) for seed in range(1 if mean is None else 2)]
    directory = volume_directory(*several, network="res_unet", settings=SETTINGS, prepare=STEPS, mean=mean)
    card = native.FORMAT.describe(directory)
    made = export(directory, card)
    to = tmp_path / "onnx"
    to.mkdir()
    (to / "model.onnx").write_bytes(made.onnx)
    (to / "wardround.json").write_text(json.dumps(made.card))
    again = onnx.FORMAT.describe(to)
    assert volume_card(again) == volume_card(card)
    assert list(again.prepare) == list(card.prepare)
    windows = torch.rand((3, 1, 16, 16, 16), generator=torch.Generator().manual_seed(1))
    ours = native.FORMAT.load(directory, card, Placement("cpu", 1)).forward(windows).numpy()
    np.testing.assert_allclose(onnx.FORMAT.load(to, again, Placement("cpu", 1)).forward(windows), ours, atol=1e-5)
    with pytest.raises(SpecError, match="is an exported network already"):
        export(to, again)
