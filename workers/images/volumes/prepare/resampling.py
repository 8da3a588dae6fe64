"""What `resample` computes with torch; imported when it is used."""

from typing import Literal

import numpy as np
import torch

from workers.contract import Array
from workers.images.volumes import sampling
from workers.images.volumes.prepare.spacing import Target, aside
from workers.images.volumes.prepare.spline import spline_matrix
from workers.images.volumes.sampling import Line, Method
from workers.images.volumes.volume import Shape3

STRAIGHT = {"linear": 1e-6, "nearest": 1e-12}
"""Voxels by which a grid may be sheared, all along, and still count as not sheared. A place half way between two voxels
is rounded by less than any shear that values show."""


def as_tensor(voxels: Array, device: str) -> torch.Tensor:
    """Voxels on `device`; without a copy on the host where torch knows the type, the byte order and the strides."""
    native = voxels.dtype.newbyteorder("=")
    if any(stride < 0 for stride in voxels.strides) or voxels.dtype != native or not voxels.flags.writeable:
        voxels = np.array(voxels, native, order="K")
    return torch.from_numpy(voxels).to(device)


def on_grid(
    voxels: Array, target: Target, method: Literal["linear", "nearest"], align_corners: bool, device: str
) -> Array:
    """(channels, i, j, k) on a grid as MONAI has it: float32, in the order in memory that was fastest."""
    tensor = as_tensor(voxels, device)
    source: Shape3 = (voxels.shape[1], voxels.shape[2], voxels.shape[3])
    if aside(target.pull, target.shape) < STRAIGHT[method]:
        places = sampling.lines(target.pull, source, target.shape, align_corners)
        return at_lines(tensor, places, (method, method, method))
    return _host(sampling.sheared(tensor, target.pull, target.shape, method))


def at_lines(tensor: torch.Tensor, places: tuple[Line, ...], methods: tuple[Method, ...]) -> Array:
    """At places along each axis, each by its method."""
    i, j, k = (
        sampling.taps(line, side, method, tensor.device)
        for line, side, method in zip(places, tensor.shape[1:], methods, strict=True)
    )
    return _host(sampling.along_axes(tensor, (i, j, k)))


def by_splines(voxels: Array, places: tuple[Line | None, ...], device: str) -> Array:
    """Splines of order 3 along the axes that have places, the one that shrinks most first: float32."""
    shrinking = [
        (len(line) / side, axis)
        for axis, (line, side) in enumerate(zip(places, voxels.shape[1:], strict=True))
        if line is not None
    ]
    tensor = as_tensor(voxels, device).float()
    for _, axis in sorted(shrinking):
        line = places[axis]
        assert line is not None
        matrix = torch.from_numpy(spline_matrix(line, tensor.shape[1 + axis])).float().to(tensor.device)
        tensor = torch.movedim(torch.tensordot(matrix, tensor, dims=([1], [1 + axis])), 0, 1 + axis)
    return _host(tensor)


def _host(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.cpu().numpy())


def to_size(
    voxels: Array,
    shape: Shape3,
    method: Literal["area", "linear", "nearest", "nearest_exact"],
    align_corners: bool,
    device: str,
) -> Array:
    """(channels, i, j, k) in `shape` by torch's `interpolate`: float32."""
    tensor = as_tensor(voxels, device).float()
    if tuple(tensor.shape[1:]) == shape:
        return _host(tensor)
    mode = {"linear": "trilinear", "nearest_exact": "nearest-exact"}.get(method, method)
    corners = align_corners if method == "linear" else None
    return _host(torch.nn.functional.interpolate(tensor[None], shape, mode=mode, align_corners=corners)[0])
