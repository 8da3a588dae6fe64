"""PNG and JPEG through OpenCV. This is the path that is taken tens of thousands of times a second: keep it short."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array, Image
from workers.images.bounds import check_pixels
from workers.images.codestream import FrameSize, jpeg_size

Buffer = bytes | memoryview

_BYTE_RANGE = (0, 255)
_SHORT_RANGE = (0, 65_535)
_GREY_ALPHA = 4
# By colour type (ISO/IEC 15948 11.2.2); OpenCV expands palettes to three channels and any alpha to four.
_PNG_CHANNELS = {0: 1, 2: 4, 3: 4, 4: 4, 6: 4}
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
# Baseline, extended and progressive Huffman: the processes that OpenCV's libjpeg-turbo decodes.
_JPEG_PROCESSES = frozenset({0xC0, 0xC1, 0xC2})
_TAIL = 64
_USUAL_HEADER = 2048


def decode_png(data: Buffer, max_pixels: int) -> Image:
    """One PNG: (rows, columns) if grey, else (rows, columns, 3) RGB; uint8, or uint16 if stored with 16 bits.

    Raises RecordError: unreadable, too_large.
    """
    columns, rows, bits, colour = png_header(data)
    check_pixels(rows, columns, _PNG_CHANNELS[colour], 1, max_pixels)
    pixels = _imdecode(data, _PNG_END, 0, "PNG")
    if colour == _GREY_ALPHA:
        pixels = np.ascontiguousarray(pixels[..., 0])
    return Image(_rgb(pixels), _SHORT_RANGE if bits == 16 else _BYTE_RANGE)


def decode_jpeg(data: Buffer, max_pixels: int) -> Image:
    """One JPEG as stored, whatever its EXIF orientation: (rows, columns) or (rows, columns, 3) RGB, uint8.

    Raises RecordError: unreadable, unsupported, too_large.
    """
    size = jpeg_header(data)
    check_pixels(size.rows, size.columns, size.channels, 1, max_pixels)
    return Image(_rgb(_imdecode(data, _JPEG_END, size.scan_at, "JPEG")), _BYTE_RANGE)


def png_header(data: Buffer) -> tuple[int, int, int, int]:
    """Columns, rows, bits and colour type of the IHDR chunk. Raises RecordError (unreadable)."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise RecordError(Status.UNREADABLE, "a PNG without a header")
    columns, rows, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if colour not in _PNG_CHANNELS:
        raise RecordError(Status.UNREADABLE, "a PNG of an unknown colour type")
    return columns, rows, bits, colour


def jpeg_header(data: Buffer) -> FrameSize:
    """Its size. Raises RecordError: unreadable, or unsupported for what is not 8-bit grey or colour."""
    size = jpeg_size(bytes(data[:_USUAL_HEADER])) or jpeg_size(bytes(data))
    if size is None:
        raise RecordError(Status.UNREADABLE, "a JPEG without a header")
    if size.process not in _JPEG_PROCESSES or size.bits != 8:
        raise RecordError(Status.UNSUPPORTED, "a JPEG that is lossless, arithmetic or of more than 8 bits")
    if size.channels not in (1, 3):
        raise RecordError(Status.UNSUPPORTED, "a JPEG with neither one nor three channels (CMYK?)")
    return size


def _imdecode(data: Buffer, end: bytes, start: int, name: str) -> Array:
    """The end marker is looked for since some versions of OpenCV fill up with grey what is cut off."""
    tail = bytes(data[max(start, len(data) - _TAIL) :])
    if end not in tail and end not in bytes(data[start:]):
        raise RecordError(Status.UNREADABLE, f"a {name} that is cut off")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise RecordError(Status.UNREADABLE, f"a {name} that is damaged")
    return pixels


def _rgb(pixels: Array) -> Array:
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB)
