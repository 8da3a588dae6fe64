"""RLE Lossless (PS3.5 G): byte planes of a frame, each packed by runs."""

import struct
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.native import native_frame
from workers.images.decoding.pixel_module import PixelModule

_NOTHING = 128
"""A byte that says nothing: below it a run of bytes as they are begins, above it one byte that repeats."""


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
    return _planes(frame, pixels, samples, bits // 8).tobytes()


def _planes(frame: bytes, pixels: int, samples: int, width: int) -> Array:
    """(samples, pixels, width) bytes, least significant first. Each has a segment, most significant first (PS3.5 G.2).

    Raises ValueError for a header of other segments.
    """
    said, *starts = struct.unpack_from("<16L", frame)
    if said != samples * width:
        raise ValueError("it has other planes than its header says")
    ends = [*starts[1:said], len(frame)]
    found = np.empty((samples, pixels, width), np.uint8)
    for plane, (start, end) in enumerate(zip(starts[:said], ends, strict=True)):
        sample, byte = divmod(plane, width)
        found[sample, :, width - 1 - byte] = np.frombuffer(_segment(frame[start:end], pixels), np.uint8)
    return found


def _segment(packed: bytes, size: int) -> bytes:
    """The bytes of one plane (PS3.5 G.3.2), behind which there may be padding. Raises ValueError for fewer."""
    found = bytearray()
    at = 0
    while len(found) < size and at < len(packed):
        head = packed[at]
        if head < _NOTHING:
            found += packed[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > _NOTHING:
            found += packed[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    if len(found) < size:
        raise ValueError("a plane is cut off")
    return bytes(found[:size])
