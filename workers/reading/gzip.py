"""Gzipped files as streams, in bounded memory whatever they hold."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any

from schemas.status import Status

_STEP = 1 << 20
_SMALL = 64
_GZIP = 16 + zlib.MAX_WBITS


def inflated(stream: io.BufferedIOBase, max_inflated: int) -> Iterator[bytes | tuple[Status, str]]:
    """Pieces of at most a mebibyte; where there are no more for a bad reason, that reason."""
    machine, total, fed = zlib.decompressobj(_GZIP), 0, False
    while True:
        pending = machine.unconsumed_tail or machine.unused_data or stream.read(_STEP)
        if machine.eof:
            machine, fed = zlib.decompressobj(_GZIP), False
            pending = pending.lstrip(b"\0")
            while not pending and (more := stream.read(_STEP)):
                pending = more.lstrip(b"\0")
        if not pending:
            break
        before = machine.copy()
        try:
            piece = machine.decompress(pending, _STEP)
        except zlib.error:
            yield from _whole_pieces(before, pending)
            yield Status.UNREADABLE, "the gzipped file is damaged from here on"
            return
        fed = True
        total += len(piece)
        if total > max_inflated:
            yield Status.TOO_LARGE, f"the file inflates to more than {max_inflated} bytes"
            return
        if piece:
            yield piece
    if fed and not machine.eof:
        yield Status.UNREADABLE, "the gzipped file ends early"


def _whole_pieces(machine: Any, data: bytes) -> Iterator[bytes]:
    """What comes out before the damage, which lies within the next mebibyte of output."""
    for start in range(0, len(data), _SMALL):
        try:
            piece = machine.decompress(data[start : start + _SMALL])
        except zlib.error:
            return
        if piece:
            yield piece
