"""Keras's first example, layer by layer, and the one size of image that it takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch.nn import functional

from schemas.errors import RecordError
from workers.contract import Affine, Placement
from workers.images.formats import native
from workers.images.formats.native_loaded import load
from workers.images.networks.keras_starter import Config, build, exact_size, smallest_side


def network(**settings: object) -> torch.nn.Module:
    torch.manual_seed(3)
    return build(Config(in_channels=1, num_outputs=10, **settings)).eval()


@pytest.mark.parametrize(("padding", "side"), [("valid", 28), ("same", 8), ("valid", 10)])
def test_it_is_the_same_as_the_layers_written_by_hand(padding: str, side: int) -> None:
    ours = network(size=(side, side), padding=padding)
    weights = dict(ours.named_parameters())
    images = torch.randn(2, 1, side, side)
    found, around = images, 1 if padding == "same" else 0
    for at in (0, 3):
        found = functional.conv2d(found, weights[f"{at}.weight"], weights[f"{at}.bias"], padding=around)
        found = functional.max_pool2d(functional.relu(found), 2)
    assert torch.equal(ours(images), functional.linear(found.flatten(1), weights["8.weight"], weights["8.bias"]))


def test_it_has_as_many_weights_as_keras_tells() -> None:
    assert sum(weight.numel() for weight in network().parameters()) == 34_826


def test_weights_begin_as_in_keras() -> None:
    for name, weight in network().named_parameters():
        if name.endswith("bias"):
            assert not weight.any()
        else:
            fan = sum(weight.shape[:2]) * int(np.prod(weight.shape[2:]))
            assert 0.97 * (6 / fan) ** 0.5 < float(weight.detach().abs().max()) <= (6 / fan) ** 0.5


@pytest.mark.parametrize(("size", "padding"), [((9, 28), "valid"), ((28, 3), "same")])
def test_a_size_of_which_nothing_is_left_is_refused(size: tuple[int, int], padding: str) -> None:
    with pytest.raises(ValidationError, match="nothing is left of"):
        Config(in_channels=1, num_outputs=2, size=size, padding=padding)


def test_it_takes_images_of_its_size_and_refuses_others_one_by_one(tmp_path: Path) -> None:
    config = Config(in_channels=1, num_outputs=10, size=(12, 14))
    assert exact_size(config) == (12, 14)
    assert smallest_side(config) == 12
    written = network(size=(12, 14))
    save_file(written.state_dict(), tmp_path / "model.safetensors")
    head = {"activation": "softmax", "labels": [f"digit_{digit}" for digit in range(10)]}
    said = {"format": "wardround-model", "format_version": 1, "network": "keras_starter"}
    card = {**said, "settings": config.model_dump(mode="json"), "head": head}
    (tmp_path / "config.json").write_text(json.dumps(card))
    model = load(tmp_path, native.FORMAT.describe(tmp_path), Placement("cpu", 1, Affine(1 / 255)))
    image = np.random.default_rng(0).integers(0, 255, (12, 14), dtype=np.uint8)
    with torch.inference_mode():
        expected = torch.softmax(written(torch.from_numpy(image)[None, None].float() / 255), 1)[0]
    found = model.forward([image])
    np.testing.assert_allclose([found[f"score_digit_{digit}"][0] for digit in range(10)], expected, atol=1e-6)
    with pytest.raises(RecordError, match="takes images of 12 x 14 pixels, the prepared image has 14 x 12"):
        model.forward([image.T])
