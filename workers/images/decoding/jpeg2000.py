"""JPEG 2000 files and bare codestreams: 8 bits as Pillow has them, more as openjpeg, which both decode with."""

import struct
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import openjpeg
import PIL.Image

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels, wanted_frames
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.pillow_files import BYTES, check_mode, eight_bits
from workers.images.prepare.image import Image
from workers.images.settings import ImagesInput

_SOC_SIZ = b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"
_TAIL = 16
_BITS, _MOST_BITS = 8, 16
_SIGNED = 0x80
_SYCC = 18
_DAMAGED = "a JPEG 2000 image that is cut off or damaged"


class _Header(NamedTuple):
    """What stands before the pixels. `plain`: channels of one size and precision, without sign, palette or sYCC."""

    rows: int
    columns: int
    channels: int
    bits: int
    plain: bool


def decode_jpeg2000(data: bytes | memoryview, settings: ImagesInput, frame: int | None) -> tuple[list[Image], int]:
    """The one frame: grey or RGB without alpha, uint8, or uint16 within the range of its bits.

    Raises RecordError: unreadable, unsupported, too_large, input_changed.
    """
    wanted_frames(1, settings, frame)
    header = jpeg2000_header(bytes(data))
    check_pixels(header.rows, header.columns, header.channels, 1, settings.max_pixels)
    if _END not in bytes(data[-_TAIL:]):
        raise RecordError(Status.UNREADABLE, _DAMAGED)
    if header.bits > _BITS:
        return [_deep(data, header)], 1
    with as_record_error(_DAMAGED), PIL.Image.open(BytesIO(data), formats=["JPEG2000"]) as picture:
        check_mode(picture.mode)
        return [Image(eight_bits(picture), BYTES)], 1


def jpeg2000_header(data: bytes) -> _Header:
    """By the boxes and the SIZ marker (ISO/IEC 15444-1 A.5.1). Raises RecordError: unreadable, unsupported."""
    at = data.find(_SOC_SIZ)
    if at < 0 or len(data) < at + 43:
        raise RecordError(Status.UNREADABLE, "a JPEG 2000 image without a header")
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    (channels,) = struct.unpack_from(">H", data, at + 40)
    parts = data[at + 42 : at + 42 + 3 * channels]
    if not channels or len(parts) < 3 * channels:
        raise RecordError(Status.UNREADABLE, "a JPEG 2000 image without a header")
    precisions = {parts[place] for place in range(0, len(parts), 3)}
    boxes = data[:at]
    colour = boxes.find(b"colr\x01")
    converted = b"pclr" in boxes or (colour >= 0 and boxes[colour + 7 : colour + 11] == struct.pack(">I", _SYCC))
    plain = len(precisions) == 1 and not max(precisions) & _SIGNED and not converted
    sizes = {parts[place + 1 : place + 3] for place in range(0, len(parts), 3)}
    bits = max(precision & ~_SIGNED for precision in precisions) + 1
    return _Header(bottom - top, right - left, channels, bits, plain and sizes == {b"\x01\x01"})


def _deep(data: bytes | memoryview, header: _Header) -> Image:
    if not header.plain or header.bits > _MOST_BITS or header.channels > 4:
        raise RecordError(
            Status.UNSUPPORTED, "a JPEG 2000 image of more than 8 bits that is signed, subsampled or of other colours"
        )
    with as_record_error(_DAMAGED):
        pixels: Any = openjpeg.decode(bytes(data))
    return Image(_without_alpha(np.asarray(pixels)), (0, (1 << header.bits) - 1))


def _without_alpha(pixels: Array) -> Array:
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] < 3 else pixels[..., :3])
