"""The sites of a BCF: five fields of each record, streamed, whatever the rest of the record holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from cluster.storage import Store
from schemas.errors import SpecError
from schemas.status import Fault, Status
from workers.genomics.files.bcf_records import (
    BCF_MAGIC,
    FIXED,
    HEADER_START,
    LENGTHS,
    DamagedRecord,
    contigs_of,
    lengths_of,
    site_of_record,
)
from workers.genomics.sequences.vcf_sites import Site, checked_site, content, read_sites

_MOST_SHARED = 64 << 20
"""Bytes of what all samples share of a record that are looked at."""
_MOST_HEADER = 256 << 20
_ENDS = Fault(Status.UNREADABLE, "the file ends within a record")
_DAMAGED = Fault(Status.UNREADABLE, "a record of BCF is damaged")
_OLD = "input.uri is BCF of version 1, which nothing current reads: convert it with bcftools view"
_CUT = "input.uri is BCF whose header does not end: it was cut off"


def sites(store: Store, key: str) -> Iterator[Site]:
    """Every record of a BCF, counted from 1, or every line of a VCF, by what the file begins with.

    A file that is damaged or cut off ends with a site that says so. Raises SpecError for what is neither,
    ObjectMissing, InfrastructureError.
    """
    pieces = content(store, key)
    first = next(pieces, b"")
    is_bcf = isinstance(first, bytes) and first.startswith(BCF_MAGIC[:3])
    yield from (read_bcf_sites if is_bcf else read_sites)(chain([first], pieces))


def read_bcf_sites(pieces: Iterator[bytes | Fault]) -> Iterator[Site]:
    """Every record, counted from 1, from the bytes of the file as they come out of their compression. A file that is
    damaged or cut off ends with a site that says so. Raises SpecError for what has no header."""
    stream = _Stream(pieces)
    head = stream.take(HEADER_START)
    if head is None or not head.startswith(BCF_MAGIC):
        raise SpecError(_OLD if head is not None else _CUT)
    length = int.from_bytes(head[5:], "little")
    header = stream.take(length) if length <= _MOST_HEADER else None
    if header is None:
        if stream.fault is None:
            raise SpecError(_CUT)
        yield Site(1, fault=stream.fault)
        return
    yield from _records(stream, contigs_of(header))


def _records(stream: _Stream, contigs: Mapping[int, str]) -> Iterator[Site]:
    number = 0
    while not stream.is_empty():
        number += 1
        lengths = stream.take(LENGTHS)
        if lengths is None:
            break
        shared, individual = lengths_of(lengths)
        if shared < FIXED:
            # Where the next one begins is not known any more.
            yield Site(number, fault=_DAMAGED)
            return
        if shared > _MOST_SHARED:
            whole = stream.skip(shared)
            site = Site(
                number, fault=Fault(Status.TOO_LARGE, f"a record has more than {_MOST_SHARED} bytes of alleles")
            )
        else:
            body = stream.take(shared)
            whole = body is not None
            site = Site(number) if body is None else _site(body, number, contigs)
        if not whole or not stream.skip(individual):
            break
        yield site
    else:
        if stream.fault is not None:
            yield Site(number + 1, fault=stream.fault)
        return
    yield Site(number, fault=stream.fault or _ENDS)


def _site(body: bytes, number: int, contigs: Mapping[int, str]) -> Site:
    try:
        found = site_of_record(body)
    except DamagedRecord:
        return Site(number, fault=_DAMAGED)
    name = contigs.get(found.contig)
    if name is None:
        return Site(number, fault=Fault(Status.UNREADABLE, "the header has no contig of the record's number"))
    try:
        texts = [part.decode() for part in (found.id, *found.alleles)]
    except UnicodeDecodeError:
        return Site(number, fault=Fault(Status.UNREADABLE, "the record is not UTF-8"))
    return checked_site(number, name, found.pos, texts[0], texts[1], tuple(texts[2:]) or (".",))


class _Stream:
    """Bytes of pieces, as many as are asked for at a time. `fault`: why there are no more, for a bad reason."""

    def __init__(self, pieces: Iterator[bytes | Fault]) -> None:
        self._pieces = pieces
        self._held = bytearray()
        self.fault: Fault | None = None

    def _more(self) -> bool:
        piece = next(self._pieces, b"") if self.fault is None else b""
        if isinstance(piece, tuple):
            self.fault = piece
            return False
        self._held += piece
        return bool(piece)

    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self._held and not self._more()

    def take(self, count: int) -> bytes | None:
        """The next bytes; None where there are not so many."""
        while len(self._held) < count:
            if not self._more():
                return None
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def skip(self, count: int) -> bool:
        """Pass over so many; False where there are not so many."""
        while len(self._held) < count:
            count -= len(self._held)
            self._held.clear()
            if not self._more():
                return False
        del self._held[:count]
        return True
