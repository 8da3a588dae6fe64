"""Alleles that were called and that scores count, of every sample and group."""

import numpy as np
from numpy.typing import NDArray

from workers.genomics.kernels.counting import count_haploid, count_missing
from workers.genomics.kernels.features import Table, entries_of
from workers.genomics.kernels.sample_threads import WORD, SampleThreads


class Tally:
    """Starts from two alleles a variant, which is the same for all, and keeps only what samples lack of that."""

    def __init__(self, table: Table, samples: int, size: int, threads: SampleThreads) -> None:
        self._table, self._samples, self._threads = table, samples, threads
        self._alleles = np.zeros(table.groups, np.int64)
        self._called = np.zeros((4 * size, table.groups), np.int64)
        self._counted = self._called[:0]
        """What samples lack of the denominator; empty as long as none lacks anything."""

    def add(
        self,
        rows: NDArray[np.int64],
        packed: NDArray[np.uint8],
        mixed: NDArray[np.bool_],
        haploid: NDArray[np.uint8] | None,
        named: NDArray[np.float64],
    ) -> None:
        """Count the variants `rows` of the weights; `haploid` belongs to `packed` and counts where `mixed`.

        What sums of scores fill in for missing calls is taken off `named` (samples, groups), which has their copies.
        """
        table = self._table
        if not table.groups:
            return
        local, entry = entries_of(table, rows)
        grouped = np.flatnonzero(table.column[entry] >= table.scores)
        # Only the columns of groups count alleles: each score's own are the same as its group's.
        local, entry = local[grouped], entry[grouped]
        groups, fill = table.column[entry] - table.scores, table.weights.fill[rows]
        copies = np.where(table.rule[entry] == 1, 2 - fill[local], fill[local])
        starts = np.searchsorted(local, np.arange(len(rows) + 1))
        # Of every sample the same, so a number a group; what samples lack of it is counted apart.
        self._alleles += 2 * np.bincount(groups, minlength=table.groups)
        filled = np.isfinite(fill)
        if not len(self._counted) and not (filled.all() and haploid is None):
            self._counted = np.zeros_like(self._called)
        called, counted = self._called, self._counted
        given = (packed.view(np.uint64), np.arange(len(rows)), starts, groups, copies, filled)
        self._threads.share(
            lambda first, last: count_missing(*given, first // WORD, last // WORD, called, counted, named)
        )
        if haploid is not None:
            some = np.flatnonzero(mixed)
            cut = _starts_of(starts, some)
            within = mixed[local]
            of_some = (packed, haploid, some, cut, groups[within], copies[within], filled[some])
            self._threads.share(lambda first, last: count_haploid(*of_some, first, last, called, counted, named))

    def finish(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`Sums.allele_count` and `Sums.denominator`."""
        alleles = np.broadcast_to(self._alleles, (self._samples, self._table.groups))
        called = self._called[: self._samples]
        called += alleles
        return called, alleles + self._counted[: self._samples] if len(self._counted) else alleles


def _starts_of(starts: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cuts of the parts `some` alone, laid behind each other."""
    return np.concatenate([[0], np.cumsum(starts[some + 1] - starts[some])]).astype(np.int64)
