"""gzip of what comes piece by piece, with the same bytes whenever it is made."""

from collections.abc import Iterable

from isal import isal_zlib

LEVEL = 1
"""From 0 to 3, chosen by measurement: docs/masks.md."""

_GZIP = 31
"""zlib's `wbits` for a gzip container, whose header isal writes without a time and a name."""


def gzipped(pieces: Iterable[bytes]) -> bytes:
    """One gzip member."""
    packer = isal_zlib.compressobj(LEVEL, wbits=_GZIP)
    parts = [packer.compress(piece) for piece in pieces]
    return b"".join([*parts, packer.flush()])
