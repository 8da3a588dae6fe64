"""The way back of whole arrays, one step after the other."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from workers.contract import Array
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.places import is_straight, pull_of, straight_places
from workers.images.volumes.prepare.resampling import as_tensor
from workers.images.volumes.sampling import along_axes, sheared, taps
from workers.images.volumes.volume import Grid, StepBack


def values_back(values: torch.Tensor, back: Sequence[StepBack], model: Grid, *, nearest: bool = False) -> torch.Tensor:
    """(channels, i, j, k) of the grid `model` on the original grid, float32: what was cut away is 0, what was added is
    cut away, and values are interpolated as the steps say, or all by the nearest with `nearest`.

    Equal to MONAI's `Invert`. A copy in full: use `LabelSlabs` where labels are wanted.
    """
    grids = [*(step.before for step in back), model]
    for step, after in zip(reversed(back), reversed(grids[1:]), strict=True):
        values = _undone(values, step, after, nearest)
    return values


def label_map_back(labels: Array, back: Sequence[StepBack], model: Grid) -> Array:
    """A label map (i, j, k) of the grid `model` on the original grid, by the nearest voxel; 0 where nothing is known.

    The type stays; labels are at most 2**24.
    """
    tensor = as_tensor(labels.astype(np.int32)[None], "cpu")
    return values_back(tensor, back, model, nearest=True)[0].numpy().astype(labels.dtype)


def _undone(values: torch.Tensor, step: StepBack, after: Grid, nearest: bool) -> torch.Tensor:
    settings: dict[str, Any] = step.settings
    if step.kind == "orient":
        flipped = [1 + axis for axis, flip in enumerate(settings["flips"]) if flip]
        order = [settings["order"].index(axis) for axis in range(3)]
        return values.flip(flipped).permute(0, *(1 + axis for axis in order))
    if step.kind == "pad":
        inner = zip(settings["start"], step.before.shape, strict=True)
        return values[(slice(None), *(slice(first, first + side) for first, side in inner))]
    if step.kind == "crop":
        widths: list[int] = []
        for first, side, whole in zip(settings["start"], after.shape, step.before.shape, strict=True):
            widths = [first, whole - side - first, *widths]
        return torch.nn.functional.pad(values, widths)
    return _resampled(values, step, after, nearest)


def _resampled(values: torch.Tensor, step: StepBack, after: Grid, nearest: bool) -> torch.Tensor:
    if is_straight(step, after):
        i, j, k = (
            taps(line, side, "linear", values.device)
            for line, side in zip(straight_places(step, after, nearest=nearest), after.shape, strict=True)
        )
        return along_axes(values, (i, j, k))
    settings: dict[str, Any] = step.settings
    method: Literal["linear", "nearest"] = "nearest" if nearest or "nearest" in settings["methods"] else "linear"
    return sheared(values, pull_of(step, after), step.before.shape, method)


def decided_whole(values: torch.Tensor, back: Sequence[StepBack], model: Grid, decision: Decision) -> Array:
    """Labels of all values at once, (i, j, k), or marks (structures, i, j, k): see `Decision`. The plain way, with all
    values on the original grid; what was cut away is background where all of its channels are 0 and 0 is no mark."""
    values = values.float()
    if not decision.late:
        values = _activated(values, decision)
    values = values_back(values, back, model)
    if decision.late:
        values = _activated(values, decision)
    if decision.kind == "marks":
        return (values[list(decision.channels)] >= decision.threshold).to(torch.uint8).cpu().numpy()
    labels = np.array(decision.values)
    return np.asarray(labels.astype(np.uint8 if labels.max() <= 255 else np.uint16)[values.argmax(0).cpu().numpy()])


def _activated(values: torch.Tensor, decision: Decision) -> torch.Tensor:
    if decision.activation == "softmax":
        return values.softmax(0)
    return values.sigmoid() if decision.activation == "sigmoid" else values
