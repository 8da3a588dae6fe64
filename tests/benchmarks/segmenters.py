"""The two networks that every contestant of `bench-volumes` shows the volumes to, as model directories of ours.

Each is the UNet of MONAI's `spleen_ct_segmentation` (channels 16 to 256, two residual units, batch norm), but for the
number of its labels, on that bundle's grid and windows, with random weights from a fixed seed, taught for a moment on
other phantoms to name ranges of Hounsfield units beneath the noise: what it marks then has borders as organs have them.
A network without any training marks noise, which costs whoever brings labels back to the original grid many times as
much, and says nothing of a real one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets import UNet
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

LABELS: Mapping[str, Sequence[str]] = {
    "organs": ("background", "liver", "spleen", "kidneys", "bowel", "bones"),
    "lesions": ("background", "lesion", "vessel"),
}
"""The channels of each model."""
_SETTINGS: Mapping[str, Any] = {
    "channels": [16, 32, 64, 128, 256],
    "strides": [2, 2, 2, 2],
    "num_res_units": 2,
    "norm": "batch",
}
_LOW, _HIGH = -175.0, 250.0
_BORDERS: Mapping[str, Sequence[float]] = {"organs": (0.2, 0.4, 0.6, 0.75, 0.9), "lesions": (0.6, 0.8)}
"""Between which prepared values a label lies, those of the background first."""
STEPS = 150
_RATE, _BATCH, _CUBE = 5e-3, 2, 32
_SIDE = 128
_LESSONS = range(1000, 1004)
"""Phantoms that no archive has."""


@dataclass(frozen=True)
class Grid:
    """Millimetres of a voxel of the networks' grid along i, j and k, voxels along a side of a window, and how much
    windows overlap."""

    spacing: tuple[float, float, float]
    roi: int
    overlap: float


def write_models(folder: Path, grid: Grid, steps: int = STEPS, *, balanced: bool = False) -> dict[str, Path]:
    """A directory for each model, by name; weights that are there stay. After few steps rare labels are marked only if
    they count more, `balanced`; after many that marks noise, ten times as many borders."""
    written = {}
    for seed, (name, labels) in enumerate(LABELS.items()):
        depth, spacing = len(_SETTINGS["channels"]), "x".join(f"{side:g}" for side in grid.spacing)
        directory = folder / f"{name}-unet{depth}-{spacing}mm-{grid.roi}-{grid.overlap:g}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config_of(labels, grid), indent=1))
        weights = directory / "model.safetensors"
        if not weights.exists():
            save_file(made(name, seed, steps, balanced=balanced).state_dict(), weights)
        written[name] = directory
    return written


def config_of(labels: Sequence[str], grid: Grid) -> dict[str, Any]:
    """`config.json` of a directory."""
    return {
        "format": "wardround-volume-model",
        "format_version": 1,
        "task": "segmentation",
        "network": "monai.UNet",
        "settings": {"in_channels": 1, "num_outputs": len(labels), **_SETTINGS},
        "head": {"activation": "softmax", "labels": list(labels)},
        "windows": {"roi": [grid.roi] * 3, "overlap": grid.overlap},
        "prepare": [
            {"orient": {"axes": "RAS"}},
            {"resample": {"spacing": list(grid.spacing), "method": "linear"}},
            {"scale_range": {"low": _LOW, "high": _HIGH, "output": [0, 1], "clip": True}},
        ],
    }


def made(name: str, seed: int, steps: int, *, balanced: bool) -> nn.Module:
    """A network with its weights, which rounding makes differ a little from one machine to another."""
    torch.manual_seed(seed)
    network = _unet(len(LABELS[name]))
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    volumes = [_lesson(volume, name) for volume in _LESSONS]
    voxels = torch.bincount(torch.cat([truth.flatten() for _, truth in volumes]), minlength=len(LABELS[name]))
    weights = voxels.clamp(min=1).float().reciprocal() if balanced else None
    for _ in range(steps):
        images, truths = zip(*(_patch(volumes) for _ in range(_BATCH)), strict=True)
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(torch.stack(images)), torch.stack(truths), weights).backward()
        optimiser.step()
    return network.eval()


def read(directory: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a directory as MONAI builds it, and its `config.json`."""
    config = json.loads((directory / "config.json").read_text())
    network = _unet(config["settings"]["num_outputs"])
    network.load_state_dict(load_file(directory / "model.safetensors"))
    return network.eval(), config


def _unet(labels: int) -> nn.Module:
    network: nn.Module = UNet(spatial_dims=3, in_channels=1, out_channels=labels, **_SETTINGS)
    return network


def _lesson(volume: int, name: str) -> tuple[Tensor, Tensor]:
    """A phantom as the network sees it, (1, i, j, k), and the label of each voxel by its value beneath the noise."""
    # Contestants read networks too, and need not import what makes series.
    from tests.benchmarks.phantoms import NOISE, Size, phantom

    size = Size(volume + 1, _SIDE, _SIDE // 2, _SIDE // 2)
    image, truth = (
        ((torch.from_numpy(np.stack(list(phantom(volume, size, noise)), -1)) - _LOW) / (_HIGH - _LOW)).clamp(0, 1)
        for noise in (NOISE, 0.0)
    )
    return image[None], torch.bucketize(truth, torch.tensor(_BORDERS[name]))


def _patch(volumes: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """A cube somewhere in one of them."""
    image, truth = volumes[int(torch.randint(len(volumes), (1,)))]
    i, j, k = (int(torch.randint(side - _CUBE + 1, (1,))) for side in truth.shape)
    box = (slice(i, i + _CUBE), slice(j, j + _CUBE), slice(k, k + _CUBE))
    return image[(slice(None), *box)], truth[box]
