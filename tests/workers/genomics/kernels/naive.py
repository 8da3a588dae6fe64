"""Scores as their definition has them: one call after the other, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.genomics.contract import GenotypeChunk, Sums, Weights


@dataclass(frozen=True)
class Cohort:
    """Calls (variants, samples) of 0, 1, 2, 3; haploid (variants, samples); dosages (variants, samples) or None."""

    variant_idx: NDArray[np.int64]
    calls: NDArray[np.uint8]
    haploid: NDArray[np.bool_]
    dosage: NDArray[np.float32] | None = None

    def chunk(self, variants: slice, samples: slice) -> GenotypeChunk:
        """A part of it as readers give it."""
        calls, haploid = self.calls[variants, samples], self.haploid[variants, samples]
        return GenotypeChunk(
            variant_idx=self.variant_idx[variants],
            samples=calls.shape[1],
            packed=pack(calls),
            dosage=None if self.dosage is None else self.dosage[variants, samples],
            haploid=np.packbits(haploid, axis=1, bitorder="little") if haploid.any() else None,
        )


def pack(calls: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four calls a byte, the first in the lowest bits."""
    padded = np.zeros((len(calls), -(-calls.shape[1] // 4) * 4), np.uint8)
    padded[:, : calls.shape[1]] = calls
    return (padded.reshape(len(calls), -1, 4) << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)


def naive_sums(weights: Weights, cohort: Cohort) -> Sums:
    """What a kernel must find."""
    samples, groups = cohort.calls.shape[1], int(weights.group.max(initial=-1)) + 1
    total, named = np.zeros((samples, len(weights.scores))), np.zeros((samples, groups))
    called, counted = np.zeros((samples, groups), np.int64), np.zeros((samples, groups), np.int64)
    leads = {int(group): score for score, group in reversed(list(enumerate(weights.group)))}
    where = {int(index): row for row, index in enumerate(cohort.variant_idx)}
    for row, index in enumerate(weights.variant_idx):
        if int(index) not in where:
            continue
        copies, ploidy, missing = _copies(cohort, where[int(index)])
        copies = np.where(missing, weights.fill[row] * ploidy / 2, copies)
        for at in range(weights.offsets[row], weights.offsets[row + 1]):
            effect = np.nan_to_num(ploidy - copies if weights.flip[at] else copies)
            shown = (effect, np.minimum(effect, 1), np.maximum(effect - 1, 0))[weights.kind[at]]
            if weights.kind[at]:
                # plink2 fills these with the frequency of the effect allele.
                shown = np.where(missing & (ploidy == 2), effect / 2, shown)
            score = int(weights.column[at])
            total[:, score] += weights.weight[at] * shown
            group = int(weights.group[score])
            if leads[group] == score:
                named[:, group] += np.where(missing, 0, effect)
                called[:, group] += np.where(missing, 0, ploidy)
                counted[:, group] += np.where(missing & np.isnan(weights.fill[row]), 0, ploidy)
    return Sums(total, called, counted, named)


def _copies(cohort: Cohort, row: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Copies of ALT, alleles, and who is missing, of one variant."""
    ploidy = np.where(cohort.haploid[row], 1, 2)
    if cohort.dosage is not None:
        values = cohort.dosage[row].astype(np.float64)
        return values * ploidy / 2, ploidy, np.isnan(values)
    calls = cohort.calls[row].astype(np.float64)
    return calls * ploidy / 2, ploidy, cohort.calls[row] == 3
