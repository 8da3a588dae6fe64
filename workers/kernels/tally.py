"""Alleles that were called and that scores count, of every sample and group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.kernels.counting import count_haploid, count_missing
from workers.kernels.crew import WORD, Crew
from workers.kernels.features import Table, entries_of


class Tally:
    """Starts from two alleles a variant, which is the same for all, and keeps only what samples lack of that."""

    def __init__(self, table: Table, samples: int, size: int, crew: Crew) -> None:
        self._table, self._samples, self._crew = table, samples, crew
        self._alleles = np.zeros(table.groups, np.int64)
        self._called = np.zeros((4 * size, table.groups), np.int64)
        self._counted = self._called[:0]
        """Of the denominator; empty as long as no sample lacks anything of it"""

    def add(
        self,
        rows: NDArray[np.int64],
        packed: NDArray[np.uint8],
        mixed: NDArray[np.bool_],
        haploid: NDArray[np.uint8] | None,
    ) -> None:
        """Count the variants `rows` of the weights; `haploid` belongs to `packed` and counts where `mixed`."""
        table = self._table
        local, entry = entries_of(table, rows)
        groups = table.column[entry] - table.scores
        local, groups = local[groups >= 0], groups[groups >= 0]
        starts = np.searchsorted(local, np.arange(len(rows) + 1))
        self._alleles += 2 * np.bincount(groups, minlength=table.groups)
        filled = np.isfinite(table.weights.fill[rows])
        if not len(self._counted) and not (filled.all() and haploid is None):
            self._counted = np.zeros_like(self._called)
        called, counted = self._called, self._counted
        given = (packed.view(np.uint64), np.arange(len(rows)), starts, groups, filled)
        self._crew.share(lambda first, last: count_missing(*given, first // WORD, last // WORD, called, counted))
        if haploid is not None:
            some = np.flatnonzero(mixed)
            cut = _starts_of(starts, some)
            groups = np.concatenate([groups[starts[i] : starts[i + 1]] for i in some] or [groups[:0]])
            self._crew.share(
                lambda first, last: count_haploid(
                    packed, haploid, some, cut, groups, filled[some], first, last, called, counted
                )
            )

    def finish(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`Sums.allele_count` and `Sums.denominator`."""
        alleles = np.broadcast_to(self._alleles, (self._samples, self._table.groups))
        called = self._called[: self._samples]
        called += alleles
        return called, alleles + self._counted[: self._samples] if len(self._counted) else alleles


def _starts_of(starts: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cuts of the parts `some` alone, laid behind each other."""
    return np.concatenate([[0], np.cumsum(starts[some + 1] - starts[some])]).astype(np.int64)
