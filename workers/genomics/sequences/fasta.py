"""Ranges of a reference FASTA on disk or S3, by its index: nothing else of it is read."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from cluster.storage import StorageSettings
from schemas.errors import RecordError, SpecError
from schemas.status import Status
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

_BREAKS = bytes([10, 13])

Range = tuple[int, int]
"""(first place, place behind the last), 0-based; may reach beyond the contig, where it is all N."""


class Reference:
    """A FASTA, its index read. For one thread. Every read is of the version that was planned: raises ObjectChanged."""

    def __init__(self, uri: str, storage: StorageSettings, etag: str | None = None) -> None:
        """Raises SpecError where the file or an index that it needs is not there, or damaged."""
        self._file = FastaFile(uri, storage, "input.reference", etag)
        self.contigs: Mapping[str, Contig] = self._read_contigs()
        self._aliases = _aliases(self.contigs)

    @property
    def etag(self) -> str:
        """The etag of the version that is read."""
        return self._file.etag

    def name_of(self, chrom: str) -> str | None:
        """The contig that a VCF calls so: by its name, with `chr` put before or taken away, M and MT alike."""
        return chrom if chrom in self.contigs else self._aliases.get(_plain(chrom))

    def fetch(self, contig: str, ranges: Sequence[Range]) -> list[Bases]:
        """Upper-case bases of each range, in order; those that lie close together come with one request.

        Raises RecordError (unreadable) where the file is not what its index says.
        """
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

    def _read(self, where: Contig, first: int, end: int) -> Bases:
        start, stop = where.byte(first), where.byte(end - 1) + 1
        raw = self._file.read(start, stop).translate(None, _BREAKS)
        if len(raw) != end - first or b">" in raw:
            raise RecordError(Status.UNREADABLE, "the reference is not what its index says: make the index anew")
        return upper(np.frombuffer(raw, np.uint8))

    def _read_contigs(self) -> dict[str, Contig]:
        index = self._file.optional(".fai")
        if index is not None:
            return read_fai(index)
        if self._file.is_packed or self._file.size > WITHOUT_INDEX:
            raise SpecError("input.reference has no .fai beside it: write one with samtools faidx")
        return make_fai(self._file.read(0, self._file.size).splitlines(keepends=True))


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


def _plain(name: str) -> str:
    plain = name.removeprefix("chr").removeprefix("Chr").removeprefix("CHR")
    return "MT" if plain == "M" else plain


def _aliases(contigs: Mapping[str, Contig]) -> dict[str, str]:
    """The contigs by plain name; of two contigs with one plain name neither is meant."""
    ordered = sorted((_plain(name), name) for name in contigs)
    doubled = {a for (a, _), (b, _) in pairwise(ordered) if a == b}
    return {plain: name for plain, name in ordered if plain not in doubled}
