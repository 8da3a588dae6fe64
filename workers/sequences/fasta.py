"""Ranges of a reference FASTA on disk or S3, by its index: nothing else of it is read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from cluster.storage import ObjectMissing, StorageSettings, Store, open_store, split
from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.genetics.windows import Bases
from workers.sequences.fasta_index import Blocks, Contig, make_fai, read_fai, read_gzi

WITHOUT_INDEX = 64 << 20
"""Bytes of a plain FASTA that is read whole to index it."""
_INDEX_LIMIT = 256 << 20
_GAP = 64 << 10
"""Bases between two wanted ranges that are read along rather than asked for apart."""
_RUN = 8 << 20
_N = ord("N")

_UPPER = np.arange(256, dtype=np.uint8)
_UPPER[ord("a") : ord("z") + 1] -= 32
_BREAKS = bytes([10, 13])

Range = tuple[int, int]
"""(first place, place behind the last), 0-based; may reach beyond the contig, where it is all N."""


class Reference:
    """A FASTA, its index read. For one thread. Every read is of the version that was planned: raises ObjectChanged."""

    def __init__(self, uri: str, storage: StorageSettings, etag: str | None = None) -> None:
        """Raises SpecError where the file or an index that it needs is not there, or damaged."""
        folder, self._key = split(uri)
        self._store: Store = open_store(folder, storage)
        head = self._store.head(self._key)
        if head is None:
            raise SpecError("input.reference names a file that is not there: correct the uri")
        self.etag = head.etag if etag is None else etag
        self.size = head.size
        self._blocks = self._read_blocks()
        self.contigs: Mapping[str, Contig] = self._read_contigs()
        self._aliases = _aliases(self.contigs)

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
        raw = self._bytes(start, stop).translate(None, _BREAKS)
        if len(raw) != end - first or b">" in raw:
            raise RecordError(Status.UNREADABLE, "the reference is not what its index says: make the index anew")
        return _UPPER[np.frombuffer(raw, np.uint8)]

    def _bytes(self, start: int, stop: int) -> bytes:
        if self._blocks is None:
            return self._store.get(self._key, start, stop - start, if_etag=self.etag)
        first, behind, at = self._blocks.covering(start, stop)
        length = None if behind is None else behind - first
        stored = self._store.get(self._key, first, length, if_etag=self.etag)
        return _inflate(stored, stop - at)[start - at :]

    def _read_blocks(self) -> Blocks | None:
        start = self._store.get(self._key, 0, 2)
        if start != b"\x1f\x8b":
            return None
        index = self._optional(".gzi")
        if index is None:
            raise SpecError("input.reference is compressed and has no .gzi beside it: compress it with bgzip -i")
        return read_gzi(index)

    def _read_contigs(self) -> dict[str, Contig]:
        index = self._optional(".fai")
        if index is not None:
            return read_fai(index)
        if self._blocks is not None or self.size > WITHOUT_INDEX:
            raise SpecError("input.reference has no .fai beside it: write one with samtools faidx")
        body = self._store.get(self._key, if_etag=self.etag)
        return make_fai(body.splitlines(keepends=True))

    def _optional(self, ending: str) -> bytes | None:
        try:
            return self._store.get(self._key + ending, max_bytes=_INDEX_LIMIT)
        except ObjectMissing:
            return None


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


def _inflate(stored: bytes, wanted: int) -> bytes:
    """The first `wanted` bytes of some whole blocks; nothing is inflated beyond the block that has the last of them.

    Raises RecordError (unreadable).
    """
    parts: list[bytes] = []
    held = 0
    while held < wanted:
        machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            # A block inflates to 64 KiB at most; its end is seen with room for one byte more.
            part = machine.decompress(stored, (1 << 16) + 1)
        except zlib.error:
            part = b""
        if not machine.eof:
            raise RecordError(Status.UNREADABLE, "the compressed reference is damaged, or its .gzi is another's")
        parts.append(part)
        held += len(part)
        stored = machine.unused_data
    return b"".join(parts)[:wanted]


def _plain(name: str) -> str:
    plain = name.removeprefix("chr").removeprefix("Chr").removeprefix("CHR")
    return "MT" if plain == "M" else plain


def _aliases(contigs: Mapping[str, Contig]) -> dict[str, str]:
    """By plain name; of two contigs with one plain name neither is meant."""
    ordered = sorted((_plain(name), name) for name in contigs)
    doubled = {a for (a, _), (b, _) in pairwise(ordered) if a == b}
    return {plain: name for plain, name in ordered if plain not in doubled}
