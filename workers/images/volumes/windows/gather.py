"""The voxels of one window, padded where the volume is smaller, without a padded copy of the volume."""

from typing import Any

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.card import Windows
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.places import Cut


class Gather:
    """Windows of one volume. Raises RecordError (out_of_contract) where its padding cannot fill it up."""

    def __init__(self, voxels: Any, cut: Cut, windows: Windows | None) -> None:
        self.voxels = voxels
        """(channels, i, j, k): a numpy array of any real type, or a tensor on the device that windows go to."""
        self._cut = cut
        self._fill = windows.fill if windows else 0.0
        self._padded = tuple(axis for axis in range(3) if cut.padded[axis] > cut.shape[axis])
        self._repeats = bool(self._padded) and windows is not None and windows.padding != "constant"
        self._sources = {axis: _sources(cut, axis, windows.padding) for axis in self._padded} if windows else {}

    def into(self, target: Any, start: Shape3) -> None:
        """Write the window that begins at `start` to `target`, (channels, *roi) float32."""
        inside = self.inside(start)
        if self._repeats:
            for axis in self._padded:
                inside = inside[(slice(None),) * (axis + 1) + (self._sources[axis],)]
        elif self._padded:
            target[...] = self._fill
            target = target[(slice(None), *self._place())]
        target[...] = inside

    def inside(self, start: Shape3) -> Any:
        """The part of a window that is no padding, (channels, i, j, k): a view."""
        cut = self._cut
        parts = (
            slice(None) if cut.padded[axis] > cut.shape[axis] else slice(start[axis], start[axis] + cut.roi[axis])
            for axis in range(3)
        )
        return self.voxels[(slice(None), *parts)]

    @property
    def filled_with(self) -> float | None:
        """The value beside the volume in its windows; None where that is its own voxels."""
        return self._fill if self._padded and not self._repeats else None

    def _place(self) -> tuple[slice, ...]:
        """Where in a window the volume lies; along an axis that is padded there is one window."""
        cut = self._cut
        return tuple(
            slice(before, before + size) if axis in self._padded else slice(None)
            for axis, (before, size) in enumerate(zip(cut.before, cut.shape, strict=True))
        )


def _sources(cut: Cut, axis: int, padding: str) -> Array | None:
    """Which voxel along an axis each voxel of a window is a copy of."""
    if padding == "constant":
        return None
    size, before = cut.shape[axis], cut.before[axis]
    after = cut.padded[axis] - size - before
    most = {"reflect": size - 1, "wrap": size}.get(padding, after)
    if max(before, after) > most:
        raise RecordError(
            Status.OUT_OF_CONTRACT,
            f"a volume of {size} voxels along {'ijk'[axis]} is too small to be filled up to windows of "
            f"{cut.padded[axis]} by padding {padding!r}",
        )
    mode: Any = padding
    return np.pad(np.arange(size), (before, after), mode=mode)
