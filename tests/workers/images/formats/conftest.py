"""Model directories for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from workers.images.networks import smallcnn


@pytest.fixture
def native_directory(tmp_path: Path) -> Callable[..., Path]:
    """Writes a directory of our own format, with `config.json` changed as the test wants."""

    def make(**changes: Any) -> Path:
        settings = {"in_channels": 1, "num_outputs": 2, "channels": [4, 8], "strides": [2, 2]}
        config = {
            "format": "wardround-model",
            "format_version": 1,
            "network": "smallcnn",
            "settings": settings,
            "head": {"activation": "softmax", "labels": ["normal", "pneumonia"]},
            "prepare": [{"channels": {"to": 1}}],
        } | changes
        directory = tmp_path / "native"
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config))
        save_file(small_network().state_dict(), directory / "model.safetensors")
        return directory

    return make


def small_network() -> torch.nn.Module:
    """What `native_directory` holds."""
    torch.manual_seed(5)
    network = smallcnn.build(smallcnn.Config(in_channels=1, num_outputs=2, channels=(4, 8), strides=(2, 2)))
    network.train()(torch.randn(8, 1, 20, 20))
    return network.eval()


@pytest.fixture
def network() -> torch.nn.Module:
    """The network of `native_directory`, as its author runs it."""
    return small_network()
