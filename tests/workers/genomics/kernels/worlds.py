"""Random cohorts and weights for the kernels, always the same for a seed."""

from __future__ import annotations

import numpy as np

from tests.workers.genomics.kernels.naive import Cohort
from workers.genomics.contract import Weights


def cohort(seed: int, variants: int, samples: int, haploid: bool = False, dosages: bool = False) -> Cohort:
    """Calls of mixed frequencies, some missing; a few variants in which half of the samples are haploid."""
    rng = np.random.default_rng(seed)
    frequency = rng.beta(0.5, 1.5, (variants, 1))
    calls = rng.binomial(2, frequency, (variants, samples)).astype(np.uint8)
    calls[rng.random(calls.shape) < 0.03] = 3
    once = (rng.random((variants, 1)) < 0.3) & (rng.random((1, samples)) < 0.5) & haploid
    calls[once & (calls == 1)] = 2
    given = np.clip(calls + rng.normal(0, 0.05, calls.shape), 0, 2).astype(np.float32)
    given[calls == 3] = np.nan
    index = np.cumsum(rng.integers(1, 4, variants)).astype(np.int64)
    return Cohort(index, calls, once, given if dosages else None)


def weights(
    seed: int, of: Cohort, scores: int, density: float = 1.0, kinds: int = 3, groups: int = 2, unfilled: float = 0.2
) -> Weights:
    """Weights on most variants of a cohort and on some that it lacks. Groups choose their variants and alleles."""
    rng = np.random.default_rng(seed)
    index = np.union1d(of.variant_idx[rng.random(len(of.variant_idx)) < 0.9], of.variant_idx[-1:] + 5)
    group = np.minimum(rng.integers(0, groups, scores), np.arange(scores)).astype(np.int32)
    group = np.unique(group, return_inverse=True)[1].astype(np.int32)
    many = int(group.max()) + 1
    has = rng.random((len(index), many)) < density
    flips = rng.integers(0, 2, (len(index), many))
    row, column = np.nonzero(has[:, group])
    fill = rng.uniform(0, 2, len(index))
    fill[rng.random(len(index)) < unfilled] = np.nan
    return Weights(
        scores=[f"PGS{score:06d}" for score in range(scores)],
        variant_idx=index,
        fill=fill,
        offsets=np.searchsorted(row, np.arange(len(index) + 1)).astype(np.int64),
        column=column.astype(np.int32),
        weight=rng.normal(0, 1, len(row)),
        flip=flips[row, group[column]].astype(np.uint8),
        kind=rng.integers(0, kinds, len(row)).astype(np.uint8),
        group=group,
    )
