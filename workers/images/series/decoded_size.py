"""How many bytes a slice takes once it is decoded, by its header alone."""

from pydicom import Dataset

from workers.images.decoding.modality import narrowest
from workers.images.decoding.pixel_module import PixelModule
from workers.images.series.attributes import number

_FLOAT = 8


def slice_bytes(frame: Dataset, module: PixelModule) -> int:
    """Bytes of one frame in the type that decoding gives it (docs/pixels.md), or a wider one."""
    return module.rows * module.columns * module.channels * _item_bytes(frame, module)


def _item_bytes(frame: Dataset, module: PixelModule) -> int:
    slope, intercept = number(frame, "RescaleSlope"), number(frame, "RescaleIntercept")
    if module.channels > 1 or not slope or intercept is None:
        return max(module.bits_allocated // 8, 1)
    low, high = module.stored_range
    ends = [end * slope + intercept for end in (low, high)]
    if module.is_float or not (slope.is_integer() and intercept.is_integer()) or max(map(abs, ends)) >= 2**53:
        return _FLOAT
    return narrowest(int(min(ends)), int(max(ends)))().itemsize
