"""What a compressed frame says of its own size and colours, read from its markers.

Decoders reserve memory by these numbers and not by the header around them, so both must agree before one is called.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_JP2_HEADER_BYTES = 1 << 16
# SOF0..SOF15 without DHT (C4), JPG (C8) and DAC (CC); F7 is that of JPEG-LS.
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
# What a reader steps over byte by byte: TEM, RST0 to RST7, and FF00, which is no marker.
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD8)})
_FRAME_FIELDS_END = 10
START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_APP0, _APP14 = 0xE0, 0xEE
# A shorter one has no transform, and decoders do not look at it.
_ADOBE_BYTES = 14
_END = b"\xff\xd9"
_START_OF_TILE = b"\xff\x90"
_TILE_HEADER_BYTES = 12
_TAIL = 64
JPEG_LS = 0xF7
"""`process` of a JPEG-LS."""


class FrameSize(NamedTuple):
    """A compressed image by its own markers.

    `bits` is the precision of a sample; `process` the last byte of a JPEG's SOF, 0 for JPEG 2000 and HTJ2K. `scan_at`
    is where its pixels begin. `ids` names a JPEG's components, `jfif` and `adobe` (its transform, None without the
    segment) are what it says of its colours.
    """

    rows: int
    columns: int
    channels: int
    bits: int
    process: int = 0
    scan_at: int = 0
    ids: tuple[int, ...] = ()
    jfif: bool = False
    adobe: int | None = None


def codestream_size(frame: bytes) -> FrameSize | None:
    """Markers of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K image; None if it is none of these."""
    if frame[:2] == b"\xff\xd8":
        return jpeg_size(frame)
    if frame[:4] == _SOC_SIZ:
        return _jpeg2000_size(frame, 4)
    if frame[:8] == _JP2_SIGNATURE:
        at = frame.find(_SOC_SIZ, 0, _JP2_HEADER_BYTES)
        return _jpeg2000_size(frame, at + 4) if at >= 0 else None
    return None


def begins_codestream(start: bytes) -> bool:
    """Whether these first bytes begin a compressed image."""
    return start[:3] == b"\xff\xd8\xff" or start[:4] == _SOC_SIZ or start[:8] == _JP2_SIGNATURE


def is_whole(frame: bytes, found: FrameSize) -> bool:
    """Whether an end marker follows the pixels, and every tile of a JPEG 2000 lies within the bytes.

    Decoders fill up with grey, or with the last row, what is cut off.
    """
    at = found.scan_at
    while not found.process and frame[at : at + 2] == _START_OF_TILE and at + _TILE_HEADER_BYTES <= len(frame):
        # Psot (ISO/IEC 15444-1 A.4.2): the length of the tile-part from its marker on; 0: up to the end.
        length = struct.unpack_from(">I", frame, at + 6)[0]
        at += max(length, _TILE_HEADER_BYTES)
        if not length:
            break
    # It is nearly always the last of its bytes: looking there spares a search through all of them.
    return frame.rfind(_END, max(at, len(frame) - _TAIL)) >= 0 or frame.find(_END, at) >= 0


def jpeg_size(data: bytes) -> FrameSize | None:
    """The size by the SOF marker (ISO/IEC 10918-1 B.2.2; JPEG-LS: ISO/IEC 14495-1 C.2.2). `scan_at`: its first SOS."""
    frame_at, jfif, adobe = 0, False, None
    for marker, at, length in jpeg_segments(data):
        if marker == START_OF_SCAN:
            return _jpeg_frame(data, frame_at, at, jfif, adobe) if frame_at else None
        if marker in _START_OF_FRAME:
            frame_at = at
        jfif = jfif or (marker == _APP0 and data[at + 4 : at + 9] == b"JFIF\0")
        if marker == _APP14 and data[at + 4 : at + 9] == b"Adobe" and _ADOBE_BYTES <= length < len(data) - at - 1:
            adobe = data[at + 15]
    return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments of a JPEG up to its first scan, that one included: marker, place, and length as it claims.

    A segment begins with two bytes of marker and two of length, which counts itself and may lead beyond the data.
    """
    at, end = 2, len(data) - 3
    while 0 <= at < end:
        marker = data[at + 1]
        # Bytes between segments are stepped over, as every decoder does, and fill bytes (ISO/IEC 10918-1 B.1.1.2).
        if data[at] != 0xFF or marker == 0xFF:
            at = data.find(b"\xff", at + 1)
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _END_OF_IMAGE:
            return
        else:
            length = data[at + 2] << 8 | data[at + 3]
            yield marker, at, length
            if marker == START_OF_SCAN:
                return
            at += 2 + length


def _jpeg_frame(data: bytes, frame_at: int, scan_at: int, jfif: bool, adobe: int | None) -> FrameSize | None:
    # A segment may claim to be shorter than its fields, so that a scan follows and the bytes end inside of them.
    if frame_at + _FRAME_FIELDS_END > len(data):
        return None
    bits, rows, columns, channels = struct.unpack_from(">BHHB", data, frame_at + 4)
    first = frame_at + _FRAME_FIELDS_END
    ids = tuple(data[first : first + 3 * channels : 3])
    return FrameSize(rows, columns, channels, bits, data[frame_at + 1], scan_at, ids, jfif, adobe)


def _jpeg2000_size(data: bytes, at: int) -> FrameSize | None:
    """The size by the SIZ marker (ISO/IEC 15444-1 A.5.1), whose length field lies at `at`."""
    if len(data) < at + 39:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 4)
    channels, bits = struct.unpack_from(">HB", data, at + 36)
    # Ssiz is the precision less one; its top bit says that samples are signed.
    return FrameSize(bottom - top, right - left, channels, (bits & 0x7F) + 1, scan_at=_first_tile(data, at))


def _first_tile(data: bytes, at: int) -> int:
    """Where the main header ends, of which a segment's length lies at `at`."""
    while at + 2 <= len(data):
        at += data[at] << 8 | data[at + 1]
        if data[at : at + 1] != b"\xff" or data[at : at + 2] == _START_OF_TILE:
            break
        at += 2
    return at
