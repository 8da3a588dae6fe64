"""A digest of a shard object inside itself: a disk keeps none beside a file, so damage would pass for what was written.

The seal is an entry of the Parquet footer: the sha256 of every byte of the file but the 64 digits of the seal.
"""

import hashlib
import io

KEY = "wardround.seal"
BLANK = "0" * 64
"""Stands where the seal will, until the other bytes are known."""

_TAIL = 8
"""Parquet ends with the length of its footer in 4 bytes, and 4 bytes of magic."""
_ENTRY = KEY.encode() + bytes([0x18, len(BLANK)])
"""The key as Thrift's compact protocol has it, then the header and the length of the value."""


def sealed(file: io.BytesIO) -> bytes:
    """A Parquet body that has the blank in its footer, with the seal in its place. The body is not copied."""
    with file.getbuffer() as body:
        footer = int.from_bytes(body[-_TAIL:-4], "little") + _TAIL
        within = _seal_at(bytes(body[-footer:]))
        # `workers.pipeline.rowtable.encode` has put the blank there.
        assert within is not None
        start = len(body) - footer + within
        end = start + len(BLANK)
        digest = hashlib.sha256(body[:start])
        digest.update(body[end:])
        body[start:end] = digest.hexdigest().encode()
    return file.getvalue()


def intact_sha256(file: io.RawIOBase | io.BytesIO) -> str | None:
    """Hex digest of the whole object in one pass; None if its seal is gone or broken: some byte is not as written."""
    with io.BufferedReader(file, 1 << 20) as reader:
        size = reader.seek(0, io.SEEK_END)
        reader.seek(max(0, size - _TAIL))
        footer = int.from_bytes(reader.read(4), "little") + _TAIL
        reader.seek(0)
        # No Parquet file, or the length of the footer is itself damaged.
        if footer > size:
            return None
        digest = hashlib.sha256()
        left = size - footer
        while left and (block := reader.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
        end = reader.read()
    start = _seal_at(end)
    if start is None:
        return None
    whole = digest.copy()
    whole.update(end)
    digest.update(end[:start])
    digest.update(end[start + len(BLANK) :])
    return whole.hexdigest() if digest.hexdigest().encode() == end[start : start + len(BLANK)] else None


def _seal_at(footer: bytes) -> int | None:
    """Where the seal begins: behind the last entry of its name."""
    at = footer.rfind(_ENTRY)
    return at + len(_ENTRY) if at >= 0 else None
