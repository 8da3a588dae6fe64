"""Where windows lie in a volume: MONAI's `dense_patch_slices`, or nnU-Net's `compute_steps_for_sliding_window`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from workers.images.volumes.card import Windows
from workers.images.volumes.volume import Shape3

Starts = tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """How one volume falls into windows.

    `roi` are the voxels of a window, `shape` those of the volume, `padded` those with what was added where it is
    smaller than a window, `before` of it at the lower end. `starts` are where windows begin along each axis, in the
    padded volume, ascending.
    """

    roi: Shape3
    shape: Shape3
    padded: Shape3
    before: Shape3
    starts: tuple[Starts, Starts, Starts]

    @property
    def count(self) -> int:
        """Windows in all."""
        return math.prod(len(starts) for starts in self.starts)

    @property
    def depth(self) -> int:
        """Rows along i that windows still to come may touch at a time, at most."""
        return self.roi[0]

    def __iter__(self) -> Iterator[Shape3]:
        """The first voxel of each window, sorted by i, then j, then k."""
        return product(*self.starts)


def cut(windows: Windows | None, shape: Shape3) -> Cut:
    """The windows of a volume of this shape; without settings one that is all of it."""
    wanted = windows.roi if windows else (0, 0, 0)
    roi = _sides(side if side > 0 else size for side, size in zip(wanted, shape, strict=True))
    padded = _sides(map(max, roi, shape))
    return Cut(
        roi=roi,
        shape=shape,
        padded=padded,
        before=_sides((whole - size) // 2 for whole, size in zip(padded, shape, strict=True)),
        starts=(
            _starts(windows, 0, padded[0], roi[0]),
            _starts(windows, 1, padded[1], roi[1]),
            _starts(windows, 2, padded[2], roi[2]),
        ),
    )


def _sides(values: "Iterator[int] | map[int]") -> Shape3:
    i, j, k = values
    return i, j, k


def _starts(windows: Windows | None, axis: int, size: int, roi: int) -> Starts:
    if windows is None or size == roi:
        return (0,)
    overlap = windows.overlap[axis]
    return monai_starts(size, roi, overlap) if windows.steps == "monai" else nnunet_starts(size, roi, overlap)


def monai_starts(size: int, roi: int, overlap: float) -> Starts:
    """Steps of `int(roi * (1 - overlap))` voxels, 1 at least, up to the first window that reaches the end, which is
    moved back to end there."""
    interval = max(1, int(roi * (1 - overlap)))
    count = math.ceil(max(0, size - roi) / interval) + 1
    return tuple(min(number * interval, size - roi) for number in range(count))


def nnunet_starts(size: int, roi: int, overlap: float) -> Starts:
    """Windows spread evenly, as many as are needed for steps of at most `roi * (1 - overlap)` voxels."""
    # The step size was 1 - overlap before it was written down: 0.3, not 0.30000000000000004.
    step = roi * round(1 - overlap, 9)
    count = math.ceil((size - roi) / step) + 1
    # round() takes halves to the even number, as numpy does.
    return tuple(round((size - roi) / (count - 1) * number) for number in range(count)) if count > 1 else (0,)
