"""From stored to modality values (PS3.3 C.11.1), in the narrowest type without loss."""

import math

import numpy as np
from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.pixel_module import PixelModule
from workers.images.lookup_tables import descriptor, entries, is_little_endian

Range = tuple[float, float]

_NARROWEST_FIRST = (np.uint8, np.uint16, np.int16, np.int32, np.uint32, np.int64)
_EXACT_IN_FLOAT64 = 2**53
_NO_RANGE = (-math.inf, math.inf)


def modality_values(stored: Array, header: Dataset, module: PixelModule) -> tuple[Array, Range]:
    """Values after the modality LUT or rescale, and the range that the stored type can give after it.

    Colours have neither. A table without descriptor or data, a slope or intercept that is empty, and a slope of 0 count
    as absent. Where slope and intercept are whole numbers the result is of an integer type. Floats have no range:
    (-inf, inf). Raises RecordError (unreadable).
    """
    if module.channels == 1:
        with as_record_error("its modality lookup table or rescale cannot be applied"):
            table = _table_item(header)
            if table is not None:
                return _looked_up(stored, table, module, is_little_endian(header))
            slope, intercept = _number(header, "RescaleSlope"), _number(header, "RescaleIntercept")
            if slope and intercept is not None:
                return _rescaled(stored, slope, intercept, module)
    return stored, _NO_RANGE if module.is_float else module.stored_range


def _table_item(header: Dataset) -> Dataset | None:
    for item in header.get("ModalityLUTSequence") or ():
        complete = item.get("LUTDescriptor") is not None and item.get("LUTData") is not None
        return item if complete else None
    return None


def _number(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    return None if value is None or not str(value).strip() else float(value)


def inverted(values: Array, value_range: Range) -> Array:
    """max + min - x, in the type of `values` or a wider one where a value lies outside the range."""
    low, high = value_range
    if values.dtype.kind == "f":
        return np.asarray((high + low) - values)
    total = int(high) + int(low)
    least, most = total - int(values.max()), total - int(values.min())
    # -1 asks for a signed type: the difference may be negative.
    work = narrowest(min(least, total, -1), max(most, total, int(values.max())))
    result = np.subtract(total, values, dtype=work)
    fits = np.iinfo(values.dtype).min <= least and most <= np.iinfo(values.dtype).max
    return result.astype(values.dtype if fits else narrowest(least, most), copy=False)


def narrowest(low: int, high: int) -> type[np.integer]:
    """The narrowest integer type that OpenCV and numpy know and that holds both."""
    return next(kind for kind in _NARROWEST_FIRST if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)


def _looked_up(stored: Array, item: Dataset, module: PixelModule, little: bool) -> tuple[Array, Range]:
    """Below and above the table its first and last entry hold."""
    if module.is_float:
        raise RecordError(Status.UNREADABLE, "a modality lookup table has no meaning for pixels stored as floats")
    count, first, bits = descriptor(item.LUTDescriptor, signed=module.signed)
    table = entries(item.LUTData, count, little=little)
    table = table.astype(np.uint8 if bits <= 8 else np.uint16)
    low, high = (int(np.clip(end - first, 0, len(table) - 1)) for end in module.stored_range)
    reachable = table[low : high + 1]
    places = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
    return table[places], (float(reachable.min()), float(reachable.max()))


def _rescaled(stored: Array, slope: float, intercept: float, module: PixelModule) -> tuple[Array, Range]:
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise RecordError(Status.UNREADABLE, "its rescale slope or intercept is not a finite number")
    low, high = module.stored_range
    if not module.is_float and slope.is_integer() and intercept.is_integer():
        whole = _rescaled_whole(stored, int(slope), int(intercept), (low, high))
        if whole is not None:
            return whole
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64) * slope
        values += intercept
    if module.is_float:
        return values, _NO_RANGE
    ends = sorted((low * slope + intercept, high * slope + intercept))
    if not (math.isfinite(ends[0]) and math.isfinite(ends[1])):
        raise RecordError(Status.UNREADABLE, "its rescale leads beyond what a float can hold")
    return values, (ends[0], ends[1])


def _rescaled_whole(
    stored: Array, slope: int, intercept: int, stored_range: tuple[int, int]
) -> tuple[Array, Range] | None:
    """Rescaled in integers; None where pydicom's float64 would round."""
    low, high = (slope * end + intercept for end in stored_range)
    least, most = int(stored.min()), int(stored.max())
    if (slope, intercept) == (1, 0):
        return stored.astype(narrowest(min(low, least), max(high, most)), copy=False), stored_range
    scaled = [slope * end for end in (*stored_range, least, most)]
    shifted = [value + intercept for value in scaled]
    if max(abs(value) for value in (*scaled, *shifted)) >= _EXACT_IN_FLOAT64:
        return None
    met = (*scaled, *shifted, least, most, slope, intercept, -1)
    work = narrowest(min(met), max(met))
    # numpy calls unsigned to signed unsafe; `work` was chosen to hold every value that is met.
    values = stored.astype(work) if slope == 1 else np.multiply(stored, slope, dtype=work, casting="unsafe")
    np.add(values, intercept, out=values)
    return values.astype(narrowest(min(shifted), max(shifted)), copy=False), (min(low, high), max(low, high))
