"""The header of a VCF or BCF file: which samples it has, how it is compressed and where its records begin."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cluster.storage.range_reader import RangeReader
from schemas.errors import SpecError
from workers.genomics.convert_vcf.bgzf import Fetch, blocks, is_block
from workers.genomics.convert_vcf.lines import gzip_pieces
from workers.genomics.files.bcf_records import BCF_MAGIC, HEADER_START

Packing = Literal["text", "bgzf", "gzip"]
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD = 1 << 16
_FIXED = [b"#CHROM", b"POS", b"ID", b"REF", b"ALT", b"QUAL", b"FILTER", b"INFO"]


@dataclass(frozen=True)
class Header:
    """`start` is where the first byte of records is to be found in the file as it is stored: after `skip` bytes of what
    comes out of its compression there. `text` is the header itself, up to the last line end."""

    packing: Packing
    is_bcf: bool
    text: bytes
    samples: tuple[str, ...]
    start: int
    skip: int

    def declared(self, kind: bytes) -> frozenset[str]:
        """Names of the fields that it declares: of `FORMAT` or of `INFO`."""
        found = re.findall(rb"^##" + kind + rb"=<(?:.*,)?ID=([^,>\s]+)", self.text, re.MULTILINE)
        return frozenset(name.decode("utf-8", "replace") for name in found)


class _Unusable(Exception):
    """Why a header cannot be used."""


def read_header(fetch: Fetch, size: int, max_header: int, name: str) -> Header:
    """Raises SpecError, naming the file, where it has no header, or no samples."""
    try:
        return _read(fetch, size, max_header)
    except _Unusable as error:
        raise SpecError(f"{name}: {error}") from None


def _read(fetch: Fetch, size: int, max_header: int) -> Header:
    head = fetch(0, _HEAD)
    if not head:
        raise _Unusable("the file is empty: remove it, or write it anew")
    packing: Packing = "text" if not head.startswith(_GZIP) else "bgzf" if is_block(head) else "gzip"
    held, places = bytearray(), list[tuple[int, int]]()
    length = None
    for place, data in _pieces(packing, fetch, size, max_header):
        places.append((len(held), place))
        held += data
        length = _length(held)
        if length is not None and len(held) >= length:
            break
        if len(held) > max_header:
            raise _Unusable(f"its header is longer than max_header, {max_header} bytes")
    if length is None or len(held) < length:
        raise _Unusable("its header does not end, with a line that begins with #CHROM: it was cut off, or is no VCF")
    is_bcf = held.startswith(BCF_MAGIC)
    text = bytes(held[HEADER_START:length]).rstrip(b"\0") if is_bcf else bytes(held[:length])
    before, start = max((at, place) for at, place in places if at <= length)
    if packing == "text":
        before, start = length, length
    return Header(
        packing,
        is_bcf,
        text,
        _samples(text),
        0 if packing == "gzip" else start,
        length - (0 if packing == "gzip" else before),
    )


def _pieces(packing: Packing, fetch: Fetch, size: int, max_header: int) -> Iterator[tuple[int, bytes]]:
    """What comes out of the compression, with where it lies."""
    if packing == "bgzf":
        for block in blocks(fetch, 0):
            if block.data is None:
                return
            yield block.place, block.data
    elif packing == "gzip":
        for piece in gzip_pieces(io.BufferedReader(RangeReader(fetch, size), 1 << 20), 2 * max_header):
            if piece.trouble is not None:
                return
            yield 0, piece.data
    else:
        at = 0
        while data := fetch(at, 1 << 20):
            yield at, data
            at += len(data)


def _length(held: bytearray) -> int | None:
    """Bytes up to the end of the header; None where that has not come yet."""
    if held.startswith(b"BCF"):
        if held[:4] != BCF_MAGIC[:4]:
            raise _Unusable("it is BCF of version 1, which nothing current reads: convert it with bcftools view")
        return HEADER_START + int.from_bytes(held[5:9], "little") if len(held) >= HEADER_START else None
    if held[:2] in _UTF16:
        raise _Unusable("it is UTF-16: save it as UTF-8")
    if held and not b"##fileformat=VCF".startswith(held[:16]) and not held.startswith(b"##fileformat=VCF"):
        raise _Unusable("it does not begin with ##fileformat=VCF: it has no header, or is no VCF")
    found = held.find(b"\n#CHROM")
    end = held.find(b"\n", found + 1) if found >= 0 else -1
    return end + 1 if end >= 0 else None


def _samples(text: bytes) -> tuple[str, ...]:
    last = text.rstrip(b"\r\n").rpartition(b"\n")[2].rstrip(b"\r")
    columns = last.split(b"\t")
    if columns[: len(_FIXED)] != _FIXED:
        raise _Unusable("its line of columns is not #CHROM POS ID REF ALT QUAL FILTER INFO, between tabs")
    if len(columns) < len(_FIXED) + 2 or columns[len(_FIXED)] != b"FORMAT":
        raise _Unusable("it has no samples: it lists sites only")
    try:
        names = [column.decode() for column in columns[len(_FIXED) + 1 :]]
    except UnicodeDecodeError:
        raise _Unusable("the name of a sample is not UTF-8") from None
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in seen:
            raise _Unusable(
                f"samples {seen[name]} and {number} have the same name: rename one, as with bcftools reheader"
            )
        seen[name] = number
    return tuple(names)
