"""The two networks that every contestant of `bench-volumes` shows the volumes to, as model directories of ours.

Each is a UNet of MONAI (channels 16, 32, 64, 128, two residual units, batch norm) with random weights from a fixed
seed. Its norms have seen blurred noise, and the means of its channels over such noise are made equal, so that every
label occurs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets import UNet
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

LABELS: Mapping[str, Sequence[str]] = {
    "organs": ("background", "liver", "spleen", "kidneys", "bowel", "bones"),
    "lesions": ("background", "lesion", "vessel"),
}
"""The channels of each model."""
_SETTINGS = {"channels": [16, 32, 64, 128], "strides": [2, 2, 2], "num_res_units": 2, "norm": "batch"}
_LOW, _HIGH = -175.0, 250.0


@dataclass(frozen=True)
class Grid:
    """Millimetres of a voxel of the networks' grid, voxels along a side of a window, and how much windows overlap."""

    spacing: float
    roi: int
    overlap: float


def write_models(folder: Path, grid: Grid) -> dict[str, Path]:
    """A directory for each model, by name."""
    written = {}
    for seed, (name, labels) in enumerate(LABELS.items()):
        directory = folder / f"{name}-{grid.spacing:g}mm-{grid.roi}-{grid.overlap:g}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config_of(labels, grid), indent=1))
        save_file(made(len(labels), seed).state_dict(), directory / "model.safetensors")
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
            {"resample": {"spacing": [grid.spacing] * 3, "method": "linear"}},
            {"scale_range": {"low": _LOW, "high": _HIGH, "output": [0, 1], "clip": True}},
        ],
    }


def made(labels: int, seed: int) -> nn.Module:
    """A network with its weights, the same every time but for rounding, which threads change."""
    torch.manual_seed(seed)
    network = _unet(labels)
    with torch.no_grad():
        network.train()(_noise())
        network.eval()
        means = network(_noise()).mean((0, 2, 3, 4))
        last = [bias for name, bias in network.named_parameters() if name.endswith("conv.bias")][-1]
        last -= means
    return network


def read(directory: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a directory as MONAI builds it, and its `config.json`."""
    config = json.loads((directory / "config.json").read_text())
    network = _unet(config["settings"]["num_outputs"])
    network.load_state_dict(load_file(directory / "model.safetensors"))
    return network.eval(), config


def _unet(labels: int) -> nn.Module:
    network: nn.Module = UNet(spatial_dims=3, in_channels=1, out_channels=labels, **_SETTINGS)
    return network


def _noise() -> Tensor:
    """(2, 1, 32, 32, 32) in [0, 1], as blurred as tissue is."""
    coarse = torch.rand(2, 1, 6, 6, 6)
    fine = nn.functional.interpolate(coarse, size=(32, 32, 32), mode="trilinear")
    return (fine + 0.05 * torch.randn(fine.shape)).clamp(0, 1)
