"""Ranges of a reference FASTA on disk or S3, by its index: nothing else of it is read."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cluster.storage import StorageSettings
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.genomics.sequences.contig_names import ContigNames
from workers.genomics.sequences.fasta_file import FastaFile
from workers.genomics.sequences.fasta_index import Contig, make_fai, read_fai
from workers.genomics.sequences.regions import upper
from workers.genomics.sequences.windows import Bases

WITHOUT_INDEX = 64 << 20
"""Bytes of a plain FASTA that is read whole to index it."""
_GAP = 64 << 10
"""Bases between two wanted ranges that are read along rather than asked for apart."""
_RUN = 8 << 20
_N = ord("N")
_OTHERS = "the reference is not what its index says: make the index anew"

_BREAKS = bytes([10, 13])
_HEADER = 64 << 10
"""Bytes before a contig in which its header line has to begin."""

Range = tuple[int, int]
"""(first place, place behind the last), 0-based; may reach beyond the contig, where it is all N."""


class Reference:
    """A FASTA, its index read. For one thread. Every read is of the version that was planned: raises ObjectChanged."""

    def __init__(self, uri: str, storage: StorageSettings, etag: str | None = None) -> None:
        """Raises SpecError where the file or an index that it needs is not there, or damaged."""
        self._file = FastaFile(uri, storage, "input.reference", etag)
        self._proved: set[str] = set()
        self.contigs: Mapping[str, Contig] = self._read_contigs()
        self._names = ContigNames(self.contigs)

    @property
    def etag(self) -> str:
        """The etag of the version that is read."""
        return self._file.etag

    def name_of(self, chrom: str) -> str | None:
        """The contig that a VCF calls so: by its name, with `chr` put before or taken away, M and MT alike."""
        return self._names.find(chrom)

    def fetch(self, contig: str, ranges: Sequence[Range]) -> list[Bases]:
        """Upper-case bases of each range, in order; those that lie close together come with one request.

        Raises RecordError (unreadable) where the file is not what its index says.
        """
        if not self._agrees_once(contig):
            raise RecordError(Status.UNREADABLE, _OTHERS)
        where = self.contigs[contig]
        inside = [(min(max(a, 0), where.length), max(min(b, where.length), 0)) for a, b in ranges]
        found: dict[int, Bases] = {}
        for run in _runs(inside):
            first, end = inside[run[0]][0], max(inside[i][1] for i in run)
            bases = self._read(where, first, end)
            for i in run:
                a, b = inside[i]
                found[i] = _padded(bases[a - first : b - first], a - ranges[i][0], ranges[i][1] - ranges[i][0])
        return [found[i] if i in found else np.full(b - a, _N, np.uint8) for i, (a, b) in enumerate(ranges)]

    def require(self, contig: str) -> None:
        """Raises SpecError where the index says something else of a contig than the file has."""
        if not self._agrees_once(contig):
            raise SpecError(
                f"the .fai of input.reference is of another file: contig {contig!r} does not begin or end where it "
                "says so; make it anew with samtools faidx"
            )

    def _agrees_once(self, contig: str) -> bool:
        if contig not in self._proved:
            try:
                if not self._agrees(contig):
                    return False
            except RecordError:
                # What is damaged is told by who reads it, and other places can still be right.
                pass
            self._proved.add(contig)
        return True

    def _agrees(self, contig: str) -> bool:
        """Whether before a contig stands its header line, its first line ends where the index says so, and its last
        one does: else bases would be taken from other places, of which one in four is REF by chance."""
        where = self.contigs[contig]
        if not where.length:
            return True
        end = where.byte(where.length - 1) + 1
        start = max(0, where.offset - _HEADER)
        # A contig in one line shows by its end alone whether that line is so long.
        line = where.line_bytes if where.line_bytes <= _HEADER else 0
        head = self._file.read_to_end(start, min(end, where.offset + line))
        before, first = head[: where.offset - start], head[where.offset - start :]
        words = before[:-1].rpartition(b"\n")[2].split()
        behind = self._file.read_to_end(end, end + where.line_bytes - where.line_bases + 1)
        return (
            before.endswith(b"\n")
            and bool(words)
            and words[0].decode("utf-8", "replace") == f">{contig}"
            and (not line or len(first.rstrip(_BREAKS)) == min(where.length, where.line_bases))
            and behind[:1] in (b"", b"\n", b"\r")
            and behind.lstrip(_BREAKS)[:1] in (b"", b">")
        )

    def _read(self, where: Contig, first: int, end: int) -> Bases:
        start, stop = where.byte(first), where.byte(end - 1) + 1
        raw = self._file.read(start, stop).translate(None, _BREAKS)
        if len(raw) != end - first or b">" in raw:
            raise RecordError(Status.UNREADABLE, _OTHERS)
        return upper(np.frombuffer(raw, np.uint8))

    def _read_contigs(self) -> dict[str, Contig]:
        index = self._file.optional(".fai")
        if index is not None:
            return read_fai(index)
        if self._file.is_packed or self._file.size > WITHOUT_INDEX:
            raise SpecError("input.reference has no .fai beside it: write one with samtools faidx")
        made = make_fai(self._file.read(0, self._file.size).splitlines(keepends=True))
        self._proved.update(made)
        return made


def _runs(ranges: Sequence[Range]) -> Iterator[list[int]]:
    """Numbers of the ranges, in groups that are read at once; empty ranges are in none."""
    ordered = sorted((i for i, (a, b) in enumerate(ranges) if a < b), key=lambda i: ranges[i])
    run: list[int] = []
    end = 0
    for i in ordered:
        first, stop = ranges[i]
        if run and (first - end > _GAP or stop - ranges[run[0]][0] > _RUN):
            yield run
            run, end = [], 0
        run.append(i)
        end = max(end, stop)
    if run:
        yield run


def _padded(bases: Bases, before: int, length: int) -> Bases:
    if len(bases) == length:
        return np.ascontiguousarray(bases)
    out = np.full(length, _N, np.uint8)
    out[before : before + len(bases)] = bases
    return out
