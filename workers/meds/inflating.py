"""Gzipped files as streams, in bounded memory whatever they hold."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

from schemas.status import Status

_STEP = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


def inflated(stream: io.BufferedIOBase, max_inflated: int) -> Iterator[bytes | tuple[Status, str]]:
    """Pieces of at most a mebibyte; where there are no more for a bad reason, that reason."""
    machine, total, fed = zlib.decompressobj(_GZIP), 0, False
    while True:
        pending = machine.unconsumed_tail or machine.unused_data or stream.read(_STEP)
        if machine.eof:
            pending = pending.lstrip(b"\0")
            machine, fed = zlib.decompressobj(_GZIP), False
            if not pending:
                pending = stream.read(_STEP)
        if not pending:
            break
        try:
            piece = machine.decompress(pending, _STEP)
        except zlib.error:
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
