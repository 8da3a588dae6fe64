"""Counts of calls by blocks of samples, and what follows from those of the whole cohort."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.chromosomes import MT, X, Y, counted_chromosome
from workers.genomics.contract import GenotypeChunk
from workers.genomics.hwe import HardyWeinberg
from workers.genomics.kernels.counts import CohortCounter, count_calls, haploid_mask, sample_mask
from workers.genomics.table.layout import BLOCK
from workers.genomics.table.records import Calls
from workers.genomics.table.values import float_dosages

_DOSAGES = 64
"""Variants whose dosages are counted at a time: as numbers they take 32 times the room of calls."""


@dataclass(frozen=True)
class Tally:
    """What was counted of some variants: sums over blocks of samples are those of the cohort, exactly."""

    calls: NDArray[np.int64]
    """(variants, 4) hom_ref, het, hom_alt, missing"""
    alt_count: NDArray[np.float64]
    allele_count: NDArray[np.int64]
    women: NDArray[np.int64]
    """(variants, 4) calls of women, or where it is seen of two alleles, on X; 0 elsewhere"""
    men: NDArray[np.int64]
    """(variants, 4) calls of men, or of one allele, on X; 0 elsewhere"""

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)))


def joined_tallies(parts: list[Tally]) -> Tally:
    """The tally of the variants of all, one after another."""
    return Tally(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Tally)))


class BlockCounter:
    """Counts as `workers.genomics.kernels.counts.CohortCounter` does, block by block. `sex` is that of all samples;
    `build` says where X is pseudo-autosomal."""

    def __init__(self, sex: NDArray[np.int8], build: str | None = None) -> None:
        self._counted = counted_chromosome(build)
        self.samples = len(sex)
        self._sexes = [sex[start : start + BLOCK] for start in range(0, len(sex), BLOCK)]
        self._counters = [CohortCounter(part) for part in self._sexes]
        self._test = HardyWeinberg(len(sex))

    def chroms(self, variants: pl.DataFrame) -> pl.Series:
        """What `count` and `columns` take of these variants."""
        return variants.select(self._counted.alias("chrom"))["chrom"]

    def count(self, calls: Calls, chroms: pl.Series, block: int) -> Tally:
        """Count the samples of one block."""
        if calls.dosage is None:
            return self._count(calls, chroms, block)
        parts = range(0, len(calls.packed), _DOSAGES)
        return joined_tallies(
            [self._count(calls.take(slice(at, at + _DOSAGES)), chroms[at : at + _DOSAGES], block) for at in parts]
        )

    def _count(self, calls: Calls, chroms: pl.Series, block: int) -> Tally:
        width, rows = len(self._sexes[block]), len(calls.packed)
        dosage = None
        if calls.dosage is not None and calls.has_dosage is not None:
            dosage = float_dosages(calls.packed, width, calls.dosage, calls.has_dosage)
        chunk = GenotypeChunk(np.arange(rows), width, calls.packed, dosage, calls.haploid)
        found = self._counters[block].count(chunk, chroms)
        women, men = np.zeros((2, rows, 4), np.int64)
        women[found.x_rows], men[found.x_rows] = found.women, found.men
        if not self._sexes[block].any() and calls.haploid is not None and len(found.x_rows):
            on_x, single = calls.packed[found.x_rows], haploid_mask(calls.haploid[found.x_rows], width)
            men[found.x_rows] = count_calls(on_x, single)
            women[found.x_rows] = count_calls(on_x, sample_mask(np.ones(width, bool))) - men[found.x_rows]
        return Tally(found.calls, found.alt_count, found.allele_count, women, men)

    def columns(self, tally: Tally, chroms: pl.Series) -> dict[str, Any]:
        """The columns of `variants.parquet` that follow from the counts of all samples."""
        with np.errstate(divide="ignore", invalid="ignore"):
            frequency = tally.alt_count / np.where(tally.allele_count > 0, tally.allele_count, np.nan)
            people = tally.calls.sum(axis=1)
            rate = 1 - tally.calls[:, 3] / np.where(people > 0, people, np.nan)
        names = ("hom_ref", "het", "hom_alt", "missing")
        return {
            "alt_freq": pl.Series(frequency).fill_nan(None),
            "call_rate": pl.Series(rate).fill_nan(None),
            "hwe_p": self._hwe_p(tally, chroms.to_numpy()),
            "alt_count": pl.Series(tally.alt_count),
            "allele_count": pl.Series(tally.allele_count),
            **{name: pl.Series(tally.calls[:, at]) for at, name in enumerate(names)},
        }

    def _hwe_p(self, tally: Tally, chroms: NDArray[Any]) -> pl.Series:
        """As `plink2 --hardy`; null on Y and MT, where nobody was called, and on X where nobody's sex shows."""
        found = np.full(len(tally.calls), np.nan)
        called = tally.calls[:, :3].sum(axis=1) > 0
        twice = called & ~np.isin(chroms, [X, Y, MT])
        found[twice] = self._test.p(tally.calls[twice, 0], tally.calls[twice, 1], tally.calls[twice, 2])
        for row in np.flatnonzero((chroms == X) & ((tally.women + tally.men)[:, :3].sum(axis=1) > 0)):
            women, men = tally.women[row].tolist(), tally.men[row].tolist()
            found[row] = self._test.p_x((women[0], women[1], women[2]), (men[0], men[2]))
        return pl.Series(found).fill_nan(None)
