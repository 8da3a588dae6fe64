"""Frames that are not compressed, as integers or floats of their container."""

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.pixel_module import PixelModule

_FLOATS = {32: "f4", 64: "f8"}


def native_frame(data: memoryview, module: PixelModule, index: int, *, little: bool, words: bool) -> Array:
    """Frame `index` (from 0): (rows, columns) or (rows, columns, 3), unsigned or floats, in native byte order.

    `words`: the value was written in words of 16 bits (OW), so that in big endian its bytes stand in swapped pairs.
    Raises RecordError (unreadable) where the bytes do not hold it.
    """
    first, last = module.frame_bits * index, module.frame_bits * (index + 1)
    if (last + 7) // 8 > len(data):
        raise RecordError(Status.UNREADABLE, "it holds fewer bytes of pixels than its header asks for")
    swapped = not little and words and module.bits_allocated <= 8
    begin, end = first // 8, (last + 7) // 8
    raw = _swapped(data, begin, end) if swapped else np.frombuffer(data[begin:end], np.uint8)
    if module.bits_allocated == 1:
        flat: Array = np.unpackbits(raw, bitorder="little")[first % 8 :][: last - first]
    else:
        kind = _FLOATS[module.bits_allocated] if module.is_float else f"u{module.bits_allocated // 8}"
        flat = raw.view(("<" if little else ">") + kind)
    return _shaped(flat.astype(flat.dtype.newbyteorder("="), copy=False), module)


def _swapped(data: memoryview, begin: int, end: int) -> Array:
    even = begin - begin % 2
    words = np.frombuffer(data[even : end + end % 2], np.uint8)
    padded = np.append(words, np.zeros(len(words) % 2, np.uint8))
    return padded.reshape(-1, 2)[:, ::-1].reshape(-1)[begin - even : end - even]


def _shaped(flat: Array, module: PixelModule) -> Array:
    if module.samples == 1:
        return flat.reshape(module.rows, module.columns)
    if module.photometric == "YBR_FULL_422":
        return _upsampled(flat, module)
    if module.planar:
        return np.moveaxis(flat.reshape(module.samples, module.rows, module.columns), 0, -1)
    return flat.reshape(module.rows, module.columns, module.samples)


def _upsampled(flat: Array, module: PixelModule) -> Array:
    """Y1 Y2 Cb Cr to twice Y Cb Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = flat.reshape(-1, 4)
    full = np.stack([pairs[:, [0, 2, 3]], pairs[:, [1, 2, 3]]], axis=1)
    return full.reshape(module.rows, module.columns, 3)
