"""Slices to the voxels of a volume, one after the other, in a type that holds them all without loss."""

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.volume import Shape3


class Assembly:
    """Voxels (channels, i, j, k) as slices come in. A type is widened when a slice needs it; floats are float32."""

    def __init__(self, shape: Shape3) -> None:
        self._shape = shape
        self._voxels: Array | None = None

    def put(self, index: int, pixels: Array) -> None:
        """A slice, (rows, columns) or (rows, columns, channels). Raises RecordError: input_changed for another size."""
        columns, rows, _ = self._shape
        if pixels.shape[:2] != (rows, columns):
            raise RecordError(Status.INPUT_CHANGED, "a slice is not of the size that it was planned with")
        planes = pixels[None].transpose(0, 2, 1) if pixels.ndim == 2 else pixels.transpose(2, 1, 0)
        self._make_room(planes)
        assert self._voxels is not None
        self._voxels[..., index] = planes

    def _make_room(self, planes: Array) -> None:
        if self._voxels is None:
            # Slices lie together, as they come and as they are written.
            self._voxels = np.empty((planes.shape[0], *self._shape), planes.dtype, order="F")
            return
        if planes.shape[0] != self._voxels.shape[0]:
            raise RecordError(Status.UNREADABLE, "some of its slices are in colour and some are not")
        kind = _holds_both(self._voxels.dtype, planes.dtype)
        if kind != self._voxels.dtype:
            self._voxels = self._voxels.astype(kind, order="F")

    @property
    def voxels(self) -> Array:
        """All of them, once every slice is in."""
        assert self._voxels is not None
        return self._voxels


def _holds_both(one: np.dtype, other: np.dtype) -> np.dtype:
    if one == other:
        return one
    if "f" in (one.kind, other.kind):
        return np.dtype(np.float32)
    return np.promote_types(one, other) if np.promote_types(one, other).kind in "iu" else np.dtype(np.int64)
