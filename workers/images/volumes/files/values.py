"""Stored voxels as the values that their file means, in the narrowest type without loss."""

from math import prod

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array

_EXACT = 2**53
_NARROWEST_FIRST = (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64)


def checked_kind(kind: np.dtype) -> np.dtype:
    """Raises RecordError (unsupported) for voxels that are not real numbers, such as colours."""
    if kind.names is not None or kind.kind not in "buif":
        raise RecordError(Status.UNSUPPORTED, "its voxels are colours or complex numbers: no model takes them")
    return kind


def scaled(stored: Array, slope: float, intercept: float) -> Array:
    """`stored * slope + intercept`: whole numbers where all three are, else float32, which was computed in float64."""
    if stored.dtype.kind in "biu" and float(slope).is_integer() and float(intercept).is_integer():
        low, high = sorted(int(slope) * int(end) + int(intercept) for end in (stored.min(), stored.max()))
        if max(abs(low), abs(high)) < _EXACT:
            return _whole(stored, int(slope), int(intercept), low, high)
    if (slope, intercept) == (1.0, 0.0) and stored.dtype.kind == "f":
        return finite(stored.astype(np.float32, copy=False))
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64) * slope
        values += intercept
        return finite(values.astype(np.float32))


def _whole(stored: Array, slope: int, intercept: int, low: int, high: int) -> Array:
    if (slope, intercept) != (1, 0):
        kind = next(kind for kind in _NARROWEST_FIRST if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
        return (stored.astype(np.int64) * slope + intercept).astype(kind)
    if stored.dtype.kind == "b":
        return stored.view(np.uint8)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def finite(values: Array) -> Array:
    """Raises RecordError (out_of_contract) for NaN and infinities, which no mean and no network survives."""
    if not np.isfinite(values).all():
        raise RecordError(Status.OUT_OF_CONTRACT, "it has voxels that are not finite: replace them in the file")
    return values


def array_of(body: bytes | memoryview, kind: np.dtype, shape: tuple[int, int, int]) -> Array:
    """The first axis runs fastest, as in all formats here. Raises RecordError (unreadable) where bytes are missing."""
    wanted = prod(shape)
    if len(body) < wanted * kind.itemsize:
        raise RecordError(Status.UNREADABLE, "it holds fewer voxels than its header says")
    return np.frombuffer(body, kind, wanted).reshape(shape, order="F")
