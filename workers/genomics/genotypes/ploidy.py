"""Who carries one copy: by what the source wrote, and by sex where it wrote two alleles for everybody."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.chromosomes import MALE, MT, PSEUDO_AUTOSOMAL, X, Y
from workers.genomics.contract import GenotypeChunk

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class Haploid:
    """The variants of a source on chromosomes that some or all have once, as sorted `variant_idx`.

    X is without its pseudo-autosomal regions where `build` is known.
    """

    def __init__(self, variants: pl.DataFrame, build: str | None) -> None:
        at = variants.select("variant_idx", "chrom", "pos").filter(pl.col("chrom").is_in([X, Y, MT]))
        if build is not None:
            regions = [pl.col("pos").is_between(*region) for region in PSEUDO_AUTOSOMAL[build]]
            at = at.filter((pl.col("chrom") != X) | ~pl.any_horizontal(regions))
        self.x, self.y, self.mt = (at.filter(chrom=name)["variant_idx"].to_numpy() for name in (X, Y, MT))


class Ploidy:
    """`Haploid` for some samples of a cohort. `sex` is theirs; `known` whether anybody's is."""

    def __init__(self, haploid: Haploid, sex: NDArray[np.int8], known: bool) -> None:
        self.haploid = haploid
        self.male: Bools = sex == MALE
        self.has_y: Bools = self.male if known else np.ones(len(sex), np.bool_)
        """Whose calls on Y count: of men; where no sample says its sex, of all."""

    @cached_property
    def _rows(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Bits of the men, and of everybody."""
        return (
            np.packbits(self.male, bitorder="little"),
            np.packbits(np.ones(len(self.male), np.bool_), bitorder="little"),
        )

    def observed(self, chunk: GenotypeChunk) -> GenotypeChunk:
        """The chunk with all calls of one allele marked: those that the source marks, and those that sex tells."""
        men, all_ = self._rows
        on_x, everywhere = is_among(chunk.variant_idx, self.haploid.x), is_among(chunk.variant_idx, self.haploid.mt)
        everywhere |= is_among(chunk.variant_idx, self.haploid.y)
        if not (on_x.any() and self.male.any()) and not everywhere.any():
            return chunk
        bits = np.zeros((len(chunk.variant_idx), len(men)), np.uint8) if chunk.haploid is None else chunk.haploid.copy()
        bits[on_x] |= men
        bits[everywhere] |= all_
        return replace(chunk, haploid=bits)


def diploid(chunk: GenotypeChunk) -> GenotypeChunk:
    """The chunk with every call of two alleles."""
    return chunk if chunk.haploid is None else replace(chunk, haploid=None)


def is_among(variant_idx: Numbers, ascending: Numbers) -> Bools:
    """Which of these are among others, which ascend."""
    if not len(ascending):
        return np.zeros(len(variant_idx), np.bool_)
    at = np.minimum(np.searchsorted(ascending, variant_idx), len(ascending) - 1)
    return np.asarray(ascending[at] == variant_idx, np.bool_)
