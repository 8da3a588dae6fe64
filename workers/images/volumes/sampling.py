"""Linear and nearest resampling between grids, on any device of torch; imported by workers only.

A grid that is turned nowhere against the other is resampled along one axis after the other, which gives the same sums
as `torch.nn.functional.grid_sample` in an order that needs two neighbours a voxel instead of eight.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from workers.images.volumes.volume import Affine4, Shape3

_A_LINE = 1e-12
"""Voxels by which columns may move along a result's rows and still count as the same in each: of two voxels that a
place lies half way between, the same one stays the nearest."""

Method = Literal["linear", "nearest", "nearest_up"]
Line = NDArray[np.float64]


@dataclass(frozen=True)
class Taps:
    """The two neighbours of each place along an axis, and the share of the second."""

    low: torch.Tensor
    high: torch.Tensor
    share: torch.Tensor


def taps(places: Line, length: int, method: Method, device: str | torch.device) -> Taps:
    """Neighbours of `places` among `length` voxels; places outside are those of the border.

    nearest rounds halves to even, as `grid_sample` does; nearest_up rounds them up, as SciPy does.
    """
    inside = np.clip(places, 0, length - 1)
    low = np.rint(inside) if method == "nearest" else np.floor(inside + 0.5 * (method == "nearest_up"))
    share = inside - low if method == "linear" else np.zeros_like(inside)
    high = np.minimum(low + 1, length - 1) if method == "linear" else low
    return Taps(
        torch.from_numpy(low.astype(np.int64)).to(device),
        torch.from_numpy(high.astype(np.int64)).to(device),
        torch.from_numpy(share.astype(np.float32)).to(device),
    )


def lines(pull: Affine4, source: Shape3, shape: Shape3, align_corners: bool = False) -> tuple[Line, Line, Line]:
    """Where the planes of a result lie along each axis of the source, in the very operations of MONAI's
    `AffineTransform`, so that places half way between two voxels are rounded to the same one."""
    theta = _normalising(source, align_corners) @ pull @ np.linalg.inv(_normalising(shape, align_corners))
    turned = torch.from_numpy(theta[:3][::-1, [2, 1, 0, 3]].copy())
    found = []
    for axis, length in enumerate(source):
        if align_corners:
            spread = torch.linspace(-1.0, 1.0, shape[axis], dtype=torch.float64) if shape[axis] > 1 else torch.zeros(1)
            grid = spread * theta[axis, axis] + theta[axis, 3]
            found.append(((grid + 1) / 2 * (length - 1)).numpy())
        else:
            size = [1, 1, 1, 1, 1]
            size[2 + axis] = shape[axis]
            grid = torch.nn.functional.affine_grid(turned[None], size, align_corners=False)[..., 2 - axis].flatten()
            found.append((((grid + 1) * length - 1) / 2).numpy())
    return found[0], found[1], found[2]


def _normalising(shape: Shape3, align_corners: bool) -> Affine4:
    """From indices to -1 ... 1: `monai.networks.utils.normalize_transform`."""
    sides = np.array(shape, np.float64)
    scale = 2.0 / (np.where(sides <= 1, 2.0, sides) - 1.0) if align_corners else 2.0 / sides
    matrix = np.diag([*scale, 1.0])
    matrix[:3, 3] = -1.0 if align_corners else 1.0 / sides - 1.0
    return matrix


def along_axes(voxels: torch.Tensor, all_taps: tuple[Taps, Taps, Taps]) -> torch.Tensor:
    """(channels, i, j, k) of any real type at the places of three axes: float32.

    Beside source and result it holds a few planes.
    """
    first = _slowest(voxels)
    order = [first, *(axis for axis in range(3) if axis != first)]
    taken = voxels.permute(0, *(1 + axis for axis in order))
    planes, rows, columns = (all_taps[axis] for axis in order)
    size = [len(one.low) for one in (planes, rows, columns)]
    result = torch.empty((len(taken), *size), dtype=torch.float32, device=voxels.device)
    steps = list(zip(planes.low.tolist(), planes.high.tolist(), planes.share.tolist(), strict=True))
    for channel, source in enumerate(taken):
        for place, (low, high, share) in enumerate(steps):
            plane = _blended(source, low, high, share)
            plane = _along(_along(plane, 0, rows), 1, columns)
            result[channel, place] = plane
    back = [order.index(axis) for axis in range(3)]
    return result.permute(0, *(1 + axis for axis in back))


def sheared(voxels: torch.Tensor, pull: Affine4, shape: Shape3, method: Method) -> torch.Tensor:
    """(channels, i, j, k) on a grid of `shape` to whose indices `pull` belongs, an upper triangle: float32.

    Where k of the source depends on k of the result alone, and j on j and k, planes are blended first, then the rows of
    each, then its columns: along one line for all rows where i does not depend on j, as under a tilted gantry.
    """
    sizes, device = voxels.shape[1:], voxels.device
    planes = voxels.permute(0, 3, 2, 1)
    is_line = abs(pull[0, 1]) * (shape[1] - 1) < _A_LINE
    i = pull[0, 0] * np.arange(shape[0])
    if not is_line:
        i = i[None, :] + pull[0, 1] * np.arange(shape[1])[:, None]
    j = pull[1, 1] * np.arange(shape[1])
    result = torch.empty((len(voxels), shape[2], shape[1], shape[0]), dtype=torch.float32, device=device)
    for k in range(shape[2]):
        across = taps(pull[2, 2] * np.array([k]) + pull[2, 3], sizes[2], method, device)
        rows = taps(j + pull[1, 2] * k + pull[1, 3], sizes[1], method, device)
        columns = taps(i + (pull[0, 2] * k + pull[0, 3]), sizes[0], method, device)
        low, high, share = int(across.low), int(across.high), float(across.share)
        for channel, source in enumerate(planes):
            plane = _along(_blended(source, low, high, share), 0, rows)
            result[channel, k] = _along(plane, 1, columns) if is_line else _gathered(plane, columns)
    return result.permute(0, 3, 2, 1)


def _gathered(plane: torch.Tensor, places: Taps) -> torch.Tensor:
    """(rows, columns) at places of each row's own."""
    return torch.lerp(plane.gather(1, places.low), plane.gather(1, places.high), places.share)


def _slowest(voxels: torch.Tensor) -> int:
    """The axis whose neighbours lie farthest from one another in memory: planes across it are read in one piece."""
    strides = [abs(stride) for stride in voxels.stride()[1:]]
    return strides.index(max(strides))


def _blended(source: torch.Tensor, low: int, high: int, share: float) -> torch.Tensor:
    first = source[low].float()
    return first if share == 0.0 else torch.lerp(first, source[high].float(), share)


def _along(plane: torch.Tensor, axis: int, places: Taps) -> torch.Tensor:
    share = places.share[:, None] if axis == 0 else places.share
    return torch.lerp(plane.index_select(axis, places.low), plane.index_select(axis, places.high), share)
