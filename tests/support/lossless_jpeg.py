"""A lossless JPEG as ISO/IEC 10918-1 H has it, for what no encoder at hand writes: restarts, two scans."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CATEGORIES = 17
_CODE_BITS = 5


def lossless_jpeg(samples: NDArray[Any], bits: int, predictor: int, restart: int = 0) -> bytes:
    """(rows, columns) or (rows, columns, components), taken in turn. A restart every so many rows, unless 0."""
    planes = samples.reshape(*samples.shape[:2], -1).astype(np.int64)
    rows, columns, components = planes.shape
    ids = range(1, components + 1)
    frame = struct.pack(">BHHB", bits, rows, columns, components) + b"".join(bytes((one, 0x11, 0)) for one in ids)
    scan = bytes((components, *(part for one in ids for part in (one, 0)), predictor, 0, 0))
    # Every category has a code of five bits: its number.
    table = bytes((0, 0, 0, 0, 0, _CATEGORIES, *[0] * 11, *range(_CATEGORIES)))
    interval = _segment(0xDD, struct.pack(">H", restart * columns)) if restart else b""
    step = restart or rows
    parts = [_coded(planes[first : first + step], bits, predictor) for first in range(0, rows, step)]
    body = parts[0] + b"".join(bytes((0xFF, 0xD0 + number % 8)) + part for number, part in enumerate(parts[1:]))
    head = _segment(0xC3, frame) + _segment(0xC4, table) + interval + _segment(0xDA, scan)
    return b"\xff\xd8" + head + body + b"\xff\xd9"


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(body)) + body


def _coded(planes: NDArray[np.int64], bits: int, predictor: int) -> bytes:
    text = "".join(_codes(planes, bits, predictor))
    text += "1" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")


def _codes(planes: NDArray[np.int64], bits: int, predictor: int) -> Iterable[str]:
    for row, column, component in np.ndindex(planes.shape):
        plane = planes[:, :, component]
        apart = (int(plane[row, column]) - _predicted(plane, row, column, bits, predictor)) % (1 << 16)
        signed = apart if apart <= 1 << 15 else apart - (1 << 16)
        category = abs(signed).bit_length()
        more = 0 if category == 16 else category
        value = signed if signed > 0 else signed + (1 << more) - 1
        yield format(category, f"0{_CODE_BITS}b") + (format(value, f"0{more}b") if more else "")


def _predicted(plane: NDArray[np.int64], row: int, column: int, bits: int, predictor: int) -> int:
    if not row:
        return int(plane[0, column - 1]) if column else 1 << (bits - 1)
    above = int(plane[row - 1, column])
    if not column:
        return above
    left, corner = int(plane[row, column - 1]), int(plane[row - 1, column - 1])
    by_number = (left, above, corner, left + above - corner)
    halves = (left + ((above - corner) >> 1), above + ((left - corner) >> 1), (left + above) >> 1)
    return (*by_number, *halves)[predictor - 1]
