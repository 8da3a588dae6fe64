"""The blocks of a BGEN file: its header, and what stands of a variant before its probabilities (BGEN 1.2 and 1.3)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from schemas.errors import SpecError

Read = Callable[[int, int], bytes]
"""(start, length) -> bytes"""

NONE, ZLIB, ZSTD = range(3)
_LEAST_HEADER = 20
_MOST_HEADER = 1 << 30
_LAYOUT = 2
_MAGIC = (b"bgen", b"\0\0\0\0")
_HAS_SAMPLES = 1 << 31


@dataclass(frozen=True)
class BgenHeader:
    """`first`: where the first variant begins. `ids`: of the samples, where the file has them."""

    variants: int
    samples: int
    compression: int
    first: int
    ids: tuple[str, ...] | None


def read_bgen_header(read: Read, name: str) -> BgenHeader:
    """Raises SpecError for what is no BGEN file, or of a kind that is not read."""
    head = read(0, 4 + _LEAST_HEADER)
    if len(head) < 4 + _LEAST_HEADER or head[16:20] not in _MAGIC:
        raise SpecError(f"{name!r} does not begin as a .bgen file: correct input.uri or input.format")
    offset, length, variants, samples = struct.unpack_from("<4I", head)
    if not _LEAST_HEADER <= length <= min(offset, _MOST_HEADER):
        raise SpecError(f"{name!r} does not begin as a .bgen file: correct input.uri or input.format")
    (flags,) = struct.unpack("<I", read(length, 4).ljust(4, b"\0"))
    layout, compression = (flags >> 2) & 15, flags & 3
    if layout != _LAYOUT or compression > ZSTD:
        raise SpecError(
            f"{name!r} has layout {layout} of BGEN and compression {compression}: read are versions 1.2 and 1.3 "
            "(layout 2); write it anew with qctool, or with plink2 --export bgen-1.3"
        )
    ids = _ids(read, 4 + length, 4 + offset, samples, name) if flags & _HAS_SAMPLES else None
    return BgenHeader(variants, samples, compression, 4 + offset, ids)


def _ids(read: Read, start: int, stop: int, samples: int, name: str) -> tuple[str, ...]:
    body = read(start, stop - start)
    damaged = SpecError(f"{name!r} has a list of samples that is damaged: copy the file anew")
    if len(body) < 8 or struct.unpack_from("<I", body, 4)[0] != samples:
        raise damaged
    found, at = [], 8
    try:
        for _ in range(samples):
            text, at = _text(body, at, "<H")
            found.append(text)
    except (struct.error, UnicodeDecodeError, Unfinished):
        raise damaged from None
    return tuple(found)


class Unfinished(Exception):
    """There are fewer bytes than what is read needs."""


@dataclass(frozen=True)
class VariantHead:
    """What a block says of its variant. `probabilities` begin so many bytes behind its first; `stored` of them lie
    there, `inflated` is their length, where the block is compressed."""

    id: str
    chrom: str
    pos: int
    alleles: tuple[str, ...]
    probabilities: int
    stored: int
    inflated: int | None

    @property
    def size(self) -> int:
        """Bytes of the whole block."""
        return self.probabilities + self.stored


def read_head(block: bytes, compression: int) -> VariantHead:
    """The head of the block that `block` begins with. Raises Unfinished, or UnicodeDecodeError for what is no text."""
    try:
        _, at = _text(block, 0, "<H")
        name, at = _text(block, at, "<H")
        chrom, at = _text(block, at, "<H")
        pos, count = struct.unpack_from("<IH", block, at)
        at += 6
        alleles = []
        for _ in range(count):
            allele, at = _text(block, at, "<I")
            alleles.append(allele)
        (stored,) = struct.unpack_from("<I", block, at)
        at += 4
        inflated = None
        if compression != NONE:
            (inflated,) = struct.unpack_from("<I", block, at)
            at, stored = at + 4, stored - 4
    except struct.error:
        raise Unfinished from None
    return VariantHead(name, chrom, pos, tuple(alleles), at, stored, inflated)


def _text(body: bytes, at: int, kind: str) -> tuple[str, int]:
    (length,) = struct.unpack_from(kind, body, at)
    at += struct.calcsize(kind)
    if at + length > len(body):
        raise Unfinished
    return body[at : at + length].decode(), at + length
