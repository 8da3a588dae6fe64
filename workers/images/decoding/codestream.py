"""What a compressed frame says of its own size, read from its first markers.

Decoders reserve memory by these numbers and not by the header around them, so both must agree before one is called.
"""

import struct
from typing import NamedTuple

_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_JP2_HEADER_BYTES = 1 << 16
# SOF0..SOF15 without DHT (C4), JPG (C8) and DAC (CC); F7 is that of JPEG-LS.
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
# TEM and RST0 to RST7 stand alone.
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAME_FIELDS_END = 10
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9


class FrameSize(NamedTuple):
    """Size of a compressed image. `bits` is the precision of a sample; `process` the last byte of a JPEG's SOF."""

    rows: int
    columns: int
    channels: int
    bits: int
    process: int = 0
    scan_at: int = 0


def codestream_size(frame: bytes) -> FrameSize | None:
    """Size of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K image; None if it is none of these."""
    if frame[:2] == b"\xff\xd8":
        return jpeg_size(frame)
    if frame[:4] == _SOC_SIZ:
        return _jpeg2000_size(frame, 4)
    if frame[:8] == _JP2_SIGNATURE:
        at = frame.find(_SOC_SIZ, 0, _JP2_HEADER_BYTES)
        return _jpeg2000_size(frame, at + 4) if at >= 0 else None
    return None


def jpeg_size(data: bytes) -> FrameSize | None:
    """The size by the SOF marker (ISO/IEC 10918-1 B.2.2; JPEG-LS: ISO/IEC 14495-1 C.2.2). `scan_at`: its first SOS."""
    frame_at = 0
    at, end = 2, len(data) - 3
    while at < end and data[at] == 0xFF:
        marker = data[at + 1]
        # Any number of fill bytes may stand before a marker (ISO/IEC 10918-1 B.1.1.2).
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _START_OF_SCAN:
            return _jpeg_frame(data, frame_at, at) if frame_at else None
        elif marker == _END_OF_IMAGE:
            return None
        else:
            if marker in _START_OF_FRAME:
                frame_at = at
            at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None


def _jpeg_frame(data: bytes, frame_at: int, scan_at: int) -> FrameSize | None:
    # A segment may claim to be shorter than its fields, so that a scan follows and the bytes end inside of them.
    if frame_at + _FRAME_FIELDS_END > len(data):
        return None
    bits, rows, columns, channels = struct.unpack_from(">BHHB", data, frame_at + 4)
    return FrameSize(rows, columns, channels, bits, data[frame_at + 1], scan_at)


def _jpeg2000_size(data: bytes, at: int) -> FrameSize | None:
    """The size by the SIZ marker (ISO/IEC 15444-1 A.5.1), whose length field lies at `at`."""
    if len(data) < at + 39:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 4)
    channels, bits = struct.unpack_from(">HB", data, at + 36)
    # Ssiz is the precision less one; its top bit says that samples are signed.
    return FrameSize(bottom - top, right - left, channels, (bits & 0x7F) + 1)
