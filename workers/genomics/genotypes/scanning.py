"""One pass over the genotypes of some samples, for all that wants to see them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import RecordError
from schemas.spec import Compute
from schemas.status import Status
from workers.genomics.contract import GenotypeChunk, GenotypeSource
from workers.genomics.genotypes.ploidy import Numbers, Ploidy, diploid
from workers.genomics.genotypes.settings import GenotypesInput

_LEAST_CHUNK = 4 << 20
_MOST_CHUNK = 64 << 20
_SHARE = 64
"""The part of a worker's memory that one chunk may take: several copies of it lie around at a time."""


class Taker(Protocol):
    """Takes chunks in. `wanted`: the variants that it needs, ascending; None: all. `is_diploid`: every call has two
    alleles for it."""

    @property
    def wanted(self) -> Numbers | None:
        """The variants that it needs, ascending; None: all."""

    @property
    def is_diploid(self) -> bool:
        """Whether every call has two alleles for it."""

    def add(self, chunk: GenotypeChunk) -> None:
        """Every chunk once, in order; it may hold variants that were not wanted."""


def scan(
    source: GenotypeSource, first: int, last: int, takers: Sequence[Taker], ploidy: Ploidy, chunk_bytes: int
) -> None:
    """Read the samples `first` to `last - 1` once. Raises what `GenotypeSource.chunks` raises, and
    RecordError for dosages that cannot be."""
    wanted = union(taker.wanted for taker in takers)
    if wanted is not None and not len(wanted):
        return
    for chunk in _ahead(source.chunks(first, last, wanted, chunk_bytes)):
        _refuse_impossible(chunk)
        observed, doubled = ploidy.observed(chunk), diploid(chunk)
        for taker in takers:
            taker.add(doubled if taker.is_diploid else observed)


def _refuse_impossible(chunk: GenotypeChunk) -> None:
    """Calls cannot be below 0 or above two copies; dosages that are damaged can."""
    if chunk.dosage is not None and ((chunk.dosage < 0) | (chunk.dosage > 2)).any():
        raise RecordError(Status.UNREADABLE, "a dosage is below 0 or more than two copies: the genotypes are damaged")


def _ahead(chunks: Iterator[GenotypeChunk]) -> Iterator[GenotypeChunk]:
    """The same chunks, the next of which is read while one is worked on. Only one thread reads."""
    with ThreadPoolExecutor(1, thread_name_prefix="chunks") as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk


def union(parts: Iterable[Numbers | None]) -> Numbers | None:
    """All variants that somebody wants, ascending; None where one wants all."""
    listed = list(parts)
    if any(part is None for part in listed):
        return None
    found: list[NDArray[np.int64]] = [part for part in listed if part is not None]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def chunk_bytes(source: GenotypesInput, compute: Compute) -> int:
    """How much of the genotypes to hold at a time."""
    if source.chunk_bytes is not None:
        return source.chunk_bytes
    if compute.memory_per_worker is None:
        return _MOST_CHUNK // 2
    return max(_LEAST_CHUNK, min(_MOST_CHUNK, compute.memory_per_worker // _SHARE))
