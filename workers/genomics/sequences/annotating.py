"""A VCF with scores in its INFO column: every other byte of its records stays as it is; of BCF they become htslib's
lines. Written with pysam's bgzip."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

import pysam

from cluster.storage import Store
from schemas.errors import UsageError, VerificationError
from schemas.status import Fault
from workers.genomics.bgzip import write_bgzip
from workers.genomics.convert_vcf.bcf import bcf_lines
from workers.genomics.convert_vcf.lines import Piece
from workers.genomics.files.bcf_records import BCF_MAGIC, HEADER_START
from workers.genomics.sequences.vcf_sites import content

_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")
_LINE_LIMIT = 1 << 30
_INFO = 7


@dataclass(frozen=True)
class InfoField:
    """One declared INFO key with one value an ALT allele. `kind`: `Float`, `Integer` or `String`.

    `one_each` False: values say themselves whose they are, and alleles without one are left out.
    """

    key: str
    kind: str
    meaning: str
    one_each: bool = True

    @property
    def header(self) -> bytes:
        """Its line of the header."""
        meaning = self.meaning.replace("\\", "\\\\").replace('"', '\\"')
        number = "A" if self.one_each else "."
        return f'##INFO=<ID={self.key},Number={number},Type={self.kind},Description="{meaning}">\n'.encode()

    def text(self, values: Sequence[str | None]) -> str | None:
        """What stands in INFO for the values of a line's alleles; None where there is nothing to say."""
        there = [value for value in values if value is not None]
        if not there:
            return None
        return f"{self.key}={','.join('.' if value is None else value for value in values if self.one_each or value)}"


Row = tuple[int, bool, Sequence[str | None]]
"""An ALT allele: the line of the file, whether that can be read at all, and a value a field."""


@dataclass
class Annotated:
    """What was written. `left_out` are lines that are no records of a VCF."""

    records: int = 0
    left_out: int = 0
    is_sorted: bool = True


def annotate(
    store: Store, key: str, rows: Iterator[Row], fields: Sequence[InfoField], header: Sequence[str], to: Path
) -> Annotated:
    """Write `to` (bgzip) and its index `.tbi`, `.csi` where a contig is too long for that, none if it is not sorted.

    `rows` come in the order of the file; `header` are further lines of the header. Raises UsageError for a file that
    has such INFO already, VerificationError if rows and file do not belong together.
    """
    for field in fields:
        if not _KEY.fullmatch(field.key):
            raise UsageError(f"column {field.key!r} cannot be a key of INFO: choose others with --columns")
    made = Annotated()
    write_bgzip(to, _lines(store, key, rows, fields, header, made))
    made.is_sorted = _index(to)
    return made


def _lines(
    store: Store, key: str, rows: Iterator[Row], fields: Sequence[InfoField], header: Sequence[str], made: Annotated
) -> Iterator[bytes]:
    sites = groupby(rows, key=itemgetter(0))
    in_header = True
    known = {field.key.encode() for field in fields}
    for number, line in _numbered(store, key):
        if in_header:
            _refuse_declared(line, known)
            if line.startswith(b"#CHROM\t"):
                in_header = False
                yield from (field.header for field in fields)
                yield from (f"##{text}\n".encode() for text in header)
            yield line + b"\n"
        elif line.strip() or number < 0:
            place, alleles = next(sites, (0, iter(())))
            if place != abs(number):
                raise VerificationError("the VCF is not the one that was scored: its lines are others")
            found = list(alleles)
            if found[0][1] and line.count(b"\t") >= _INFO:
                made.records += 1
                yield _with_info(line, [values for _, _, values in found], fields)
            else:
                made.left_out += 1
    made.left_out += sum(1 for _ in sites)


def _numbered(store: Store, key: str) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers in the file. Of BCF records have numbers, below 0: what is no line may be one."""
    pieces = content(store, key)
    first = next(pieces, b"")
    whole = chain([first], pieces)
    if isinstance(first, tuple) or not first.startswith(BCF_MAGIC):
        yield from enumerate(_whole_lines(whole), start=1)
        return
    held = b""
    while len(held) < HEADER_START or len(held) < HEADER_START + int.from_bytes(held[5:HEADER_START], "little"):
        piece = next(whole, b"")
        if isinstance(piece, tuple) or not piece:
            return
        held += piece
    end = HEADER_START + int.from_bytes(held[5:HEADER_START], "little")
    header = held[HEADER_START:end].rstrip(b"\0\n")
    # Numbers of fields are for BCF alone.
    yield from ((0, re.sub(rb",IDX=[0-9]+(?=>$)", b"", line)) for line in header.split(b"\n"))
    rest = (Piece(b"", trouble=piece) if isinstance(piece, tuple) else Piece(piece) for piece in whole)
    records = bcf_lines(chain([Piece(held[end:])], rest), header + b"\n", _LINE_LIMIT)
    yield from ((-number, line.data) for number, line in enumerate(records, start=1))


def _refuse_declared(line: bytes, known: set[bytes]) -> None:
    found = re.match(rb"##INFO=<ID=([^,>]*)", line)
    if found and found[1] in known:
        raise UsageError(f"the VCF has INFO {found[1].decode()} already: it was annotated before")


def _with_info(line: bytes, alleles: Sequence[Sequence[str | None]], fields: Sequence[InfoField]) -> bytes:
    columns = line.split(b"\t", _INFO + 1)
    given = []
    for at, field in enumerate(fields):
        text = field.text([allele[at] for allele in alleles])
        if columns[4] != b"." and text is not None:
            given.append(text.encode())
    if given:
        before = [] if columns[_INFO] in (b".", b"") else [columns[_INFO]]
        columns[_INFO] = b";".join([*before, *given])
    return b"\t".join(columns) + b"\n"


def _whole_lines(pieces: Iterator[bytes | Fault]) -> Iterator[bytes]:
    """Without line breaks; nothing of a line that damage cuts off."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, tuple):
            return
        first, *others = piece.split(b"\n")
        held.append(first)
        size += len(first)
        if size > _LINE_LIMIT:
            raise UsageError(f"a line of the VCF has more than {_LINE_LIMIT} bytes: it cannot be exported")
        for part in others:
            yield b"".join(held).rstrip(b"\r")
            held, size = [part], len(part)
    if size:
        yield b"".join(held).rstrip(b"\r")


def _index(path: Path) -> bool:
    """Whether there is one now: a file that is not sorted by contig and position has none."""
    for is_csi in (False, True):
        try:
            pysam.tabix_index(str(path), preset="vcf", force=True, csi=is_csi)
        except OSError:
            continue
        return True
    return False
