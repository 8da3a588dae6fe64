"""A made volume through a model on volumes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers.contract import ModelCard, Placement
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import VolumeFormat
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

_SIDE = 64
_VALUES = 255


def score_made(kind: VolumeFormat, directory: Path, card: ModelCard, volume: VolumeCard) -> Mapping[str, Any]:
    """A cube of 64 mm, a slope from 0 to 255, prepared as the directory says; its first window is shown to the network.

    Of a segmentation the share of the window's voxels that each structure has, of a classification the scores. Raises
    RecordError, SpecError.
    """
    model = kind.load(directory, card, Placement("cpu", 1))
    made = prepared(parse_steps(list(card.prepare)), _made(volume.channels))
    import torch  # noqa: PLC0415 - the driver imports this module, and torch only where a model is tried

    window = torch.from_numpy(_window(made.voxels.astype(np.float32), volume))
    logits = model.forward(window[None])[0]
    if volume.activation == "softmax":
        values = torch.softmax(logits, 0)
    else:
        values = torch.sigmoid(logits) if volume.activation == "sigmoid" else logits
    if volume.task == "classification":
        return {one.name: np.float32(value) for one, value in zip(card.outputs, values.tolist(), strict=True)}
    if volume.activation == "sigmoid":
        marked = {one.name: values[one.channel] >= volume.threshold for one in volume.structures}
    else:
        largest = values.argmax(0)
        marked = {one.name: largest == one.channel for one in volume.structures}
    return {f"share_{name}": np.float32(mask.float().mean().item()) for name, mask in marked.items()}


def _made(channels: int) -> Volume:
    steps = np.arange(_SIDE, dtype=np.float32)
    slope = steps[:, None, None] + steps[None, :, None] + steps[None, None, :]
    voxels = np.repeat(slope[None] * (_VALUES / slope.max()), channels, axis=0)
    return Volume(voxels, Grid((_SIDE, _SIDE, _SIDE), np.eye(4)))


def _window(voxels: np.ndarray, volume: VolumeCard) -> np.ndarray:
    """The first voxels along each axis, as many as a window has, with zeros where there are fewer."""
    if volume.windows is None:
        return voxels
    roi = [side or have for side, have in zip(volume.windows.roi, voxels.shape[1:], strict=True)]
    cut = voxels[:, : roi[0], : roi[1], : roi[2]]
    return np.pad(cut, [(0, 0), *((0, side - have) for side, have in zip(roi, cut.shape[1:], strict=True))])
