"""Archives of torch.export, written by torch itself, and the same with something in them changed."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

ROOT = "model/"
PROGRAM = f"{ROOT}models/model.json"
WEIGHTS = f"{ROOT}data/weights/model_weights_config.json"


class Small(nn.Module):
    """Two convolutions, a normalisation, an activation in place and a sum, as networks on volumes have them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.last = nn.Conv3d(4, 3, 1)
        self.drop = nn.Dropout(0.5)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """(N, 1, i, j, k) to (N, 3, i, j, k)."""
        found: torch.Tensor = self.last(self.drop(torch.relu_(self.norm(self.first(windows))))) + windows
        return found


def small() -> Small:
    """Always the same, with statistics that are not those of a fresh one."""
    torch.manual_seed(0)
    network = Small()
    network(torch.rand(4, 1, 8, 8, 8))
    return network.eval()


def save(network: nn.Module, given: torch.Tensor, path: Path, free: dict[int, Any] | None = None) -> Path:
    """Export and save, with these axes free."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = (free,) if free else None
        torch.export.save(torch.export.export(network, (given,), dynamic_shapes=shapes, strict=False), path)
    return path


def changed(path: Path, to: Path, **files: Callable[[bytes], bytes]) -> Path:
    """A copy of an archive; `program`, `weights` and `sample` give new bytes for the old ones."""
    names = {PROGRAM: "program", WEIGHTS: "weights", f"{ROOT}data/sample_inputs/model.pt": "sample"}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for info in old.infolist():
            change = files.get(names.get(info.filename, ""), bytes)
            new.writestr(info.filename, change(old.read(info)))
    return to


def in_json(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """A change of the object that JSON stands for."""

    def apply(text: bytes) -> bytes:
        value = json.loads(text)
        change(value)
        return json.dumps(value).encode()

    return apply
