"""RLE Lossless (PS3.5 G): byte planes of a frame, each packed by runs."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.native import native_frame
from workers.images.decoding.pixel_module import PixelModule


def decode_rle(frame: bytes, module: PixelModule) -> Array:
    """Samples of one frame, unsigned: (rows, columns) or (rows, columns, samples). Raises RecordError (unreadable)."""
    with as_record_error("its pixel data cannot be decoded"):
        if module.bits_allocated == 1:
            # One plane of bytes with eight pixels each.
            alone = replace(module, frames=1)
            packed = _unpacked(frame, alone.native_bytes, 1, 8)
            return native_frame(memoryview(packed), alone, 0, little=True, words=False)
        unpacked = _unpacked(frame, module.rows * module.columns, module.samples, module.bits_allocated)
        flat = np.frombuffer(unpacked, f"<u{module.bits_allocated // 8}")
        samples = flat.reshape(module.samples, module.rows, module.columns)
        return samples[0] if module.samples == 1 else np.moveaxis(samples, 0, -1)


def _unpacked(frame: bytes, pixels: int, samples: int, bits: int) -> bytes | bytearray:
    """All samples, plane by plane, in little endian. Raises ValueError where a plane has more or fewer bytes."""
    if find_spec("rle"):
        from rle.utils import decode_frame  # noqa: PLC0415  optional, and many times as fast

        decoded: bytearray = decode_frame(frame, pixels, bits, "<")
        if len(decoded) != pixels * samples * bits // 8:
            raise ValueError("it has other planes than its header says")
        return decoded
    from pydicom.pixels.decoders.rle import _rle_decode_frame  # noqa: PLC0415

    return _rle_decode_frame(frame, 1, pixels, samples, bits)
