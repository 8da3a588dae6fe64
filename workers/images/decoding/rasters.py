"""PNG and JPEG through OpenCV. This is the path that is taken tens of thousands of times a second: keep it short."""

import struct
from contextlib import suppress

import cv2
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.bounds import check_pixels
from workers.images.decoding.codestream import FrameSize, jpeg_size
from workers.images.prepare.image import Image

Buffer = bytes | memoryview

_BYTE_RANGE = (0, 255)
_SHORT_RANGE = (0, 65_535)
_GREY_ALPHA = 4
# By colour type (ISO/IEC 15948 11.2.2); OpenCV expands palettes to three channels and any alpha to four.
_PNG_CHANNELS = {0: 1, 2: 4, 3: 4, 4: 4, 6: 4}
_CHUNK_LENGTH = struct.Struct(">I")
# Bit 5 of its first letter says that a chunk may be unknown (ISO/IEC 15948 5.4).
_ANCILLARY = 0x20
_CRITICAL = (b"IHDR", b"PLTE")
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_JPEG_END = b"\xff\xd9"
# Baseline, extended and progressive Huffman: the processes that OpenCV's libjpeg-turbo decodes.
_JPEG_PROCESSES = frozenset({0xC0, 0xC1, 0xC2})
_TAIL = 64
_USUAL_HEADER = 2048


def decode_png(data: Buffer, max_pixels: int) -> Image:
    """One PNG: (rows, columns) if grey, else (rows, columns, 3) RGB; uint8, or uint16 if stored with 16 bits.

    Of an animated one its default image.

    Raises RecordError: unreadable, too_large.
    """
    columns, rows, bits, colour = png_header(data)
    check_pixels(rows, columns, _PNG_CHANNELS[colour], 1, max_pixels)
    if _check_chunks(data):
        data = _default_image(data)
    pixels = _imdecode(data, "PNG")
    if colour == _GREY_ALPHA:
        # OpenCV gives grey with alpha as four channels, the first three of them equal.
        pixels = np.ascontiguousarray(pixels[..., 0])
    return Image(_rgb(pixels), _SHORT_RANGE if bits == 16 else _BYTE_RANGE)


def decode_jpeg(data: Buffer, max_pixels: int) -> Image:
    """One JPEG as stored, whatever its EXIF orientation: (rows, columns) or (rows, columns, 3) RGB, uint8.

    Raises RecordError: unreadable, unsupported, too_large.
    """
    size = jpeg_header(data)
    check_pixels(size.rows, size.columns, size.channels, 1, max_pixels)
    _check_end(data, size.scan_at)
    return Image(_rgb(_imdecode(data, "JPEG")), _BYTE_RANGE)


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
    # The header is nearly always among the first bytes, which spares a copy of the whole object.
    size = jpeg_size(bytes(data[:_USUAL_HEADER])) or jpeg_size(bytes(data))
    if size is None:
        raise RecordError(Status.UNREADABLE, "a JPEG without a header")
    if size.process not in _JPEG_PROCESSES or size.bits != 8:
        raise RecordError(Status.UNSUPPORTED, "a JPEG that is lossless, arithmetic or of more than 8 bits")
    if size.channels not in (1, 3):
        raise RecordError(Status.UNSUPPORTED, "a JPEG with neither one nor three channels (CMYK?)")
    return size


def _check_chunks(data: Buffer) -> bool:
    """That the chunks follow each other to the end, with pixels among them and none that must be known and is not.

    OpenCV reserves gigabytes by what a damaged chunk claims before it finds that out. Returns whether it is animated.
    """
    at, size, has_pixels, animated = 8, len(data), False, False
    while at + 12 <= size:
        kind = bytes(data[at + 4 : at + 8])
        if kind == b"IDAT":
            has_pixels = True
        elif kind == b"IEND" and has_pixels:
            return animated
        elif kind in _ANIMATION:
            animated = True
        elif not kind[0] & _ANCILLARY and kind not in _CRITICAL:
            break
        at += 12 + _CHUNK_LENGTH.unpack_from(data, at)[0]
    raise RecordError(Status.UNREADABLE, "a PNG that is cut off or damaged")


def _default_image(data: Buffer) -> bytes:
    """An animated PNG without its animation, of which OpenCV would give the first picture."""
    kept, at = [bytes(data[:8])], 8
    while at + 12 <= len(data):
        end = at + 12 + _CHUNK_LENGTH.unpack_from(data, at)[0]
        if bytes(data[at + 4 : at + 8]) not in _ANIMATION:
            kept.append(bytes(data[at:end]))
        at = end
    return b"".join(kept)


def _check_end(data: Buffer, scan_at: int) -> None:
    """That an end marker follows the scan: some versions of OpenCV fill up with grey what is cut off."""
    tail = bytes(data[max(scan_at, len(data) - _TAIL) :])
    if _JPEG_END not in tail and _JPEG_END not in bytes(data[scan_at:]):
        raise RecordError(Status.UNREADABLE, "a JPEG that is cut off")


def _imdecode(data: Buffer, name: str) -> Array:
    with suppress(cv2.error):
        pixels: Array | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is not None:
            return pixels
    raise RecordError(Status.UNREADABLE, f"a {name} that is damaged")


def _rgb(pixels: Array) -> Array:
    if pixels.ndim == 2:
        return pixels
    rgb: Array = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB)
    return rgb
