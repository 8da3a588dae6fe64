"""Bases of a reference within the blocks of a gVCF, which name only their first."""

from collections.abc import Sequence

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.genomics.chromosomes import normalise
from workers.genomics.scores.target import Bases
from workers.genomics.sequences.fasta import Reference

_KNOWN = frozenset(b"ACGT")


def reference_etag(uri: str, storage: StorageSettings) -> str:
    """Which version of the FASTA lies there. Raises SpecError where it cannot be used."""
    return Reference(uri, storage).etag


def reference_bases(uri: str, storage: StorageSettings, etag: str) -> Bases:
    """Reads the version that was planned. Raises SpecError, ObjectChanged, RecordError."""
    reference = Reference(uri, storage, etag)
    contigs = {normalise(name): name for name in reference.contigs}

    def bases(chrom: str, positions: Sequence[int]) -> list[str | None]:
        contig = contigs.get(normalise(chrom))
        if contig is None:
            return [None] * len(positions)
        found = reference.fetch(contig, [(pos - 1, pos) for pos in positions])
        return [chr(base[0]) if base[0] in _KNOWN else None for base in found]

    if not contigs:
        raise SpecError("input.reference has no sequence: correct it")
    return bases
