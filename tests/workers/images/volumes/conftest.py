"""Model directories for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from torch import Tensor

from tests.support.one_thread import one_thread

__all__ = ["one_thread"]

LABELS = ["background", "anterior", "posterior"]


@pytest.fixture
def volume_directory(tmp_path: Path) -> Callable[..., Path]:
    """Writes a directory of our own format of volumes: weights of one network or several, keys of `config.json`."""

    def make(*weights: Mapping[str, Tensor], **keys: Any) -> Path:
        names = [f"model-{at}.safetensors" for at in range(len(weights))]
        config = {
            "format": "wardround-volume-model",
            "format_version": 1,
            "task": "segmentation",
            "head": {"activation": "softmax", "labels": LABELS},
            "windows": {"roi": [16, 16, 16]},
            **({"members": names} if len(weights) > 1 else {}),
            **keys,
        }
        directory = tmp_path / "volume"
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config))
        for name, tensors in zip(names if len(weights) > 1 else ["model.safetensors"], weights, strict=True):
            save_file({key: one.detach().clone().contiguous() for key, one in tensors.items()}, directory / name)
        return directory

    return make
