"""The sites of a VCF as text: five columns of each line, streamed, whatever the rest of the line holds."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cluster.storage import Store
from schemas.errors import SpecError
from schemas.status import Fault, Status
from workers.reading.gzip import InflationError, begins_as_gzip, in_blocks, inflated

HEAD = 256 << 10
"""Bytes of a line that are looked at: its alleles have to fit in there."""

_PIECE = 1 << 20
_INFLATED = 1 << 44
_BGZIP = re.compile(rb"\x1f\x8b\x08\x04.{6}\x06\x00BC\x02\x00", re.DOTALL)
"""The header of a block of bgzip, as the SAM specification has it (4.1)."""
_BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that bgzip puts last, so that a file that was cut off between two blocks can be told (4.1.2)."""
_COLUMNS = 8
_SITE = 5
_LAST_POS = 2**31 - 1
_CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
_BASES = re.compile(r"[ACGTNRYKMSWBDHVacgtnrykmswbdhv]+")
_NO_HEADER = "input.uri has no line #CHROM before its records: it is no VCF, or its header was cut away"


@dataclass(frozen=True)
class Site:
    """One line. `alts` are as they stand; with a `fault` all but `line` is empty."""

    line: int
    chrom: str = ""
    pos: int = 0
    id: str | None = None
    ref: str = ""
    alts: tuple[str, ...] = ()
    fault: Fault | None = None


def read_sites(pieces: Iterator[bytes | Fault]) -> Iterator[Site]:
    """Every line after the header, counted from 1, from the bytes of the file, in any pieces. A file that is damaged or
    cut off ends with a site that says so. Raises SpecError for what is no VCF."""
    in_header = True
    for number, head in enumerate(_heads(pieces), start=1):
        if isinstance(head, tuple):
            # Of a file that is damaged within its header no record is known: the file itself is the one that is.
            yield Site(number, fault=head)
            return
        if in_header and head.startswith(b"#"):
            in_header = not head.startswith(b"#CHROM\t")
        elif in_header:
            raise SpecError(_NO_HEADER)
        elif head.strip():
            yield parse_site(head, number)
    if in_header:
        raise SpecError(_NO_HEADER)


def parse_site(head: bytes, line: int) -> Site:
    """One line without its line break, or its first `HEAD` bytes."""
    columns = head.rstrip(b"\r").split(b"\t", _COLUMNS)
    if len(head) >= HEAD and len(columns) <= _SITE:
        return Site(line, fault=Fault(Status.TOO_LARGE, f"its first columns have more than {HEAD} bytes"))
    if len(head) < HEAD and len(columns) < _COLUMNS:
        return Site(line, fault=Fault(Status.UNREADABLE, f"the line has fewer than {_COLUMNS} columns"))
    try:
        chrom, pos, name, ref, alt = (column.decode() for column in columns[:_SITE])
    except UnicodeDecodeError:
        return Site(line, fault=Fault(Status.UNREADABLE, "the line is not UTF-8"))
    if not (pos.isascii() and pos.isdigit()) or len(pos) > 10 or int(pos) > _LAST_POS:
        pos = "-1"
    return checked_site(line, chrom, int(pos), name, ref, tuple(alt.split(",")))


def checked_site(line: int, chrom: str, pos: int, name: str, ref: str, alts: tuple[str, ...]) -> Site:
    """What a line or record says, or why it is none."""
    if not _CONTIG.fullmatch(chrom):
        return Site(line, fault=Fault(Status.UNREADABLE, "CHROM is no name of a contig"))
    if pos < 0:
        return Site(line, fault=Fault(Status.UNREADABLE, "POS is no position"))
    if not _BASES.fullmatch(ref):
        return Site(line, fault=Fault(Status.UNREADABLE, "REF is no sequence of bases"))
    return Site(line, chrom, pos, None if name in (".", "") else name, ref, alts)


def allele_fault(alt: str, ref: str, longest: int) -> Fault | None:
    """Why an ALT allele has no sequence of its own, or None where it has one."""
    if max(len(ref), len(alt)) > longest:
        return Fault(Status.TOO_LARGE, f"an allele has more than {longest} letters")
    if alt == ".":
        return Fault(Status.UNSUPPORTED, "the line has no ALT allele")
    if alt == "*" or alt == "<*>":
        return Fault(Status.UNSUPPORTED, "the allele stands for a deletion upstream, or for any")
    if alt.startswith("<") and alt.endswith(">"):
        return Fault(Status.UNSUPPORTED, "the allele is symbolic")
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return Fault(Status.UNSUPPORTED, "the allele is a breakend")
    if not _BASES.fullmatch(alt):
        return Fault(Status.UNREADABLE, "ALT is no sequence of bases")
    return None


def content(store: Store, key: str) -> Iterator[bytes | Fault]:
    """The bytes of the file, inflated where they begin as gzip does, whatever its name."""
    with io.BufferedReader(store.open_reader(key), _PIECE) as stream:
        yield from unpacked(stream)


def unpacked(stream: io.BufferedReader[Any]) -> Iterator[bytes | Fault]:
    """The same of an open file; where there are no more for a bad reason, that reason comes last."""
    head = stream.peek(3)
    if not begins_as_gzip(head):
        yield from in_blocks(stream)
        return
    try:
        yield from inflated(in_blocks(stream), _INFLATED)
    except InflationError as error:
        yield Fault(error.status, error.detail)
        return
    if _BGZIP.match(head) and not _has_end(stream):
        yield Fault(Status.UNREADABLE, "the file has no end marker of bgzip: it was cut off")


def _has_end(stream: io.BufferedIOBase) -> bool:
    stream.seek(-len(_BGZIP_END), io.SEEK_END)
    return stream.read() == _BGZIP_END


def _heads(pieces: Iterator[bytes | Fault]) -> Iterator[bytes | Fault]:
    """The beginning of each line. What follows damage is not known: a line begun by then is not given."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, tuple):
            yield piece
            return
        first, *others = piece.split(b"\n")
        if size < HEAD:
            held.append(first)
            size += len(first)
        for part in others:
            yield b"".join(held)[:HEAD]
            held, size = [part], len(part)
    if size:
        yield b"".join(held)[:HEAD]
