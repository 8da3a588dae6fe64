"""Where the sequences of a FASTA lie: `.fai` and `.gzi` as samtools and bgzip write them, or made here."""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from schemas.errors import SpecError


@dataclass(frozen=True)
class Contig:
    """One line of a `.fai`: `length` bases from byte `offset` on, `line_bases` of them in each line of `line_bytes`."""

    length: int
    offset: int
    line_bases: int
    line_bytes: int

    def byte(self, place: int) -> int:
        """Where the base at this place (0-based) stands in the file."""
        line, column = divmod(place, self.line_bases)
        return self.offset + line * self.line_bytes + column


def read_fai(body: bytes) -> dict[str, Contig]:
    """Contigs by name, in the order of the file. Raises SpecError."""
    contigs: dict[str, Contig] = {}
    for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), start=1):
        fields = line.split("\t")
        try:
            length, offset, bases, width = (int(field) for field in fields[1:5])
        except ValueError:
            raise _damaged_fai(number) from None
        # An empty contig has lines of no length.
        if length < 0 or offset < 0 or bases < bool(length) or width < bases:
            raise _damaged_fai(number)
        contigs.setdefault(fields[0], Contig(length, offset, max(bases, 1), max(width, 1)))
    if not contigs:
        raise SpecError("the .fai of input.reference names no contig: make it anew with samtools faidx")
    return contigs


def _damaged_fai(line: int) -> SpecError:
    return SpecError(f"line {line} of the .fai of input.reference cannot be read: make it anew with samtools faidx")


def make_fai(lines: Iterable[bytes]) -> dict[str, Contig]:
    """The same from the lines of the FASTA itself, each with its line break.

    Raises SpecError for lines of unequal length within a contig, which no index can describe.
    """
    contigs: dict[str, Contig] = {}
    name: str | None = None
    length = offset = bases = width = at = 0
    ended = False
    for line in lines:
        at += len(line)
        if line.startswith(b">"):
            if name is not None:
                contigs.setdefault(name, Contig(length, offset, max(bases, 1), max(width, 1)))
            name = (line[1:].split() or [b""])[0].decode("utf-8", "replace")
            length, offset, bases, width, ended = 0, at, 0, 0, False
            continue
        here = len(line.rstrip(b"\r\n"))
        if name is None:
            if here:
                raise SpecError("input.reference does not begin with '>': it is no FASTA")
            continue
        if here and (ended or (width and here > bases)):
            raise SpecError("input.reference has contigs with lines of unequal length: write it with one line length")
        if not width:
            bases, width = here, len(line)
        ended = ended or len(line) != width or here != bases
        length += here
    if name is not None:
        contigs.setdefault(name, Contig(length, offset, max(bases, 1), max(width, 1)))
    if not contigs:
        raise SpecError("input.reference holds no sequence: correct the uri")
    return contigs


@dataclass(frozen=True)
class Blocks:
    """The blocks of a bgzip file: where each begins, in the file and in what it inflates to. Both start with 0."""

    stored: tuple[int, ...]
    inflated: tuple[int, ...]

    def covering(self, start: int, end: int) -> tuple[int, int | None, int]:
        """Stored bytes (first, behind last or None for the end) that hold the inflated bytes `start` to `end`, and
        the inflated byte that they begin with."""
        first = bisect_right(self.inflated, start) - 1
        last = bisect_right(self.inflated, max(end - 1, start))
        return self.stored[first], self.stored[last] if last < len(self.stored) else None, self.inflated[first]

    def sizes_from(self, start: int) -> Iterator[int]:
        """What each block inflates to, from the one that begins with this inflated byte on; that of the last is not
        known."""
        first = bisect_right(self.inflated, start) - 1
        return (b - a for a, b in pairwise(islice(self.inflated, first, None)))


def read_gzi(body: bytes) -> Blocks:
    """A `.gzi` of bgzip: a count, then so many pairs of offsets, all 64 bits little-endian. Raises SpecError."""
    count = struct.unpack("<Q", body[:8])[0] if len(body) >= 8 else -1
    if len(body) != 8 + 16 * count:
        raise SpecError("the .gzi of input.reference is damaged: make it anew with bgzip -r")
    numbers = struct.unpack(f"<{2 * count}Q", body[8:])
    stored, inflated = (0, *numbers[::2]), (0, *numbers[1::2])
    if any(a >= b for line in (stored, inflated) for a, b in pairwise(line)):
        raise SpecError("the .gzi of input.reference is damaged: make it anew with bgzip -r")
    return Blocks(stored, inflated)
