"""What passes between those who read genotypes and those who count, score and feed them to networks.

Genotypes are biallelic hard calls in the 2-bit code of PLINK 2: 0 = two copies of REF, 1 = heterozygous, 2 = two copies
of ALT, 3 = missing. Four samples lie in a byte, the first in its two lowest bits; each variant begins at a byte and the
bits behind the last sample are zero (PGEN specification 1.0, section 2.3). A source that holds dosages gives these too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

HOM_REF, HET, HOM_ALT, MISSING = range(4)

VARIANT_SCHEMA: dict[str, Any] = {
    "variant_idx": pl.Int64,
    "chrom": pl.String,
    "pos": pl.Int32,
    "id": pl.String,
    "ref": pl.String,
    "alt": pl.String,
}
"""One row a biallelic variant. `variant_idx` is unique and ascends in the order of the source, not always without gaps.
`chrom` is normalised (`workers.genomics.chromosomes`): 1 to 22, X, Y, XY (pseudo-autosomal), MT, or the name as it
stands. `pos` is 1-based. `id` is null where the source has `.`. `ref` and `alt` are upper case; null where the source
has none (`.`, `0`)."""

MORE_OF_VARIANTS: dict[str, Any] = {"record": pl.Int64, "end": pl.Int32}
"""Columns of variants that a source may know beside those: which `record` of it a variant comes from, records being
numbered in its order; and `end`, the last position of a block of reference, whose `alt` is null."""

COUNT_SCHEMA: dict[str, Any] = {
    "variant_idx": pl.Int64,
    "alt_count": pl.Float64,
    "allele_count": pl.Int64,
    "hom_ref": pl.Int64,
    "het": pl.Int64,
    "hom_alt": pl.Int64,
    "missing": pl.Int64,
}
"""Counts in the whole cohort, one row a variant: the copies of ALT (dosages where there are any; a haploid call has one
allele), the alleles that were called, and samples by call. alt_freq = alt_count / allele_count."""

SAMPLE_SCHEMA: dict[str, Any] = {
    "sample_idx": pl.Int64,
    "fid": pl.String,
    "iid": pl.String,
    "sex": pl.Int8,
}
"""One row a sample, in the order of the source. `fid` is null where the source has none or `0`. `sex`: 1 male,
2 female, 0 unknown, as in .fam."""


@dataclass(frozen=True)
class GenotypeChunk:
    """Some variants of one range of samples."""

    variant_idx: NDArray[np.int64]
    """(variants,), ascending"""
    samples: int
    """How many; the range is known to who asked."""
    packed: NDArray[np.uint8]
    """(variants, ceil(samples / 4)), C order"""
    dosage: NDArray[np.float32] | None = None
    """(variants, samples): copies of ALT from 0 to 2, NaN where missing; None where the source has hard calls only.
    Where there is one, it is what scores count; `packed` stays what it was called."""
    haploid: NDArray[np.uint8] | None = None
    """(variants, ceil(samples / 8)), little bit order: which calls the source wrote with one allele. None: it does not
    say, or none are. A haploid call is 0 (REF), 2 (ALT) or 3 in `packed`."""


class GenotypeSource(Protocol):
    """Genotypes on storage, opened in a driver or a worker. Used from one thread."""

    def variants(self) -> pl.DataFrame:
        """All variants, of `VARIANT_SCHEMA` and maybe `MORE_OF_VARIANTS`, in ascending `variant_idx`. Raises SpecError
        for a damaged file."""

    def samples(self) -> pl.DataFrame:
        """All samples, of `SAMPLE_SCHEMA`. Raises SpecError for a damaged file."""

    def chunks(
        self, first: int, last: int, wanted: NDArray[np.int64] | None, chunk_bytes: int
    ) -> Iterator[GenotypeChunk]:
        """Genotypes of the samples `first` to `last - 1` in order of `variant_idx`, some variants at a time.

        `wanted` are the `variant_idx` that are needed, ascending (None: all): others are neither read, where that
        saves anything, nor given. `chunk_bytes` bounds `packed` (and `dosage`) of one chunk. Raises ObjectMissing,
        ObjectChanged (the file is not the one that was planned) and RecordError (unreadable: it ends early).
        """

    def close(self) -> None:
        """Give files and memory back."""


@runtime_checkable
class CountsCalls(Protocol):
    """A source that knows the calls of the whole cohort without giving them."""

    def call_counts(self, wanted: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """(variants, 4): how many are hom_ref, het, hom_alt and missing; None where calls alone do not say all that
        counts, as dosages do. Raises what `GenotypeSource.chunks` raises."""


class Kernel(Protocol):
    """Sums of scores over chunks. One a shard: made for its samples, fed every chunk once, asked at the end."""

    def add(self, chunk: GenotypeChunk) -> None:
        """Take one chunk in, in any cut and order of chunks."""

    def finish(self) -> Sums:
        """Everything since the start."""


@dataclass(frozen=True)
class Weights:
    """All scores of a run as one sparse matrix by variant, CSR: row `r` is `variant_idx[r]`, columns are scores.

    A weight belongs to the copies of ALT (`flip` 0) or of REF (`flip` 1). `kind`: 0 additive (d), 1 dominant
    (min(d, 1)), 2 recessive (max(d - 1, 0)), d being copies of the effect allele. `fill` is what a missing call counts
    as: the expected copies of ALT, twice its frequency in the whole cohort; NaN: a missing call counts nothing and
    leaves the denominator. A missing call of a dominant or recessive effect counts half the expected copies of the
    effect allele, its frequency, as plink2 has it.
    """

    scores: Sequence[str]
    variant_idx: NDArray[np.int64]
    """(rows,) ascending"""
    fill: NDArray[np.float64]
    """(rows,)"""
    offsets: NDArray[np.int64]
    """(rows + 1,)"""
    column: NDArray[np.int32]
    """(entries,)"""
    weight: NDArray[np.float64]
    """(entries,)"""
    flip: NDArray[np.uint8]
    """(entries,)"""
    kind: NDArray[np.uint8]
    """(entries,)"""
    group: NDArray[np.int32]
    """(scores,) Scores of one group count the same alleles of the same variants: what only counts them is done once.
    -1: nobody asks for its counts"""


@dataclass(frozen=True)
class Sums:
    """What the kernel found of every sample. Groups are those of the weights."""

    total: NDArray[np.float64]
    """(samples, scores) weighted sums"""
    allele_count: NDArray[np.int64]
    """(samples, groups) alleles that were called: plink2's ALLELE_CT"""
    denominator: NDArray[np.int64]
    """(samples, groups) the same with those that were filled in: plink2's DENOM, by which an average divides"""
    named_dosage: NDArray[np.float64]
    """(samples, groups) copies of effect alleles among those that were called, filled in ones left out: plink2's
    NAMED_ALLELE_DOSAGE_SUM (2.00a3.5, measured: missing calls add nothing to it although they stay in DENOM)"""
