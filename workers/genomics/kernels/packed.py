"""The kernel: collects variants to blocks, and gives each to what adds it up."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workers.genomics.contract import GenotypeChunk, Sums
from workers.genomics.kernels.features import Table, entries_of, features_of
from workers.genomics.kernels.ploidy import split_ploidy
from workers.genomics.kernels.sample_threads import SampleThreads, packed_bytes
from workers.genomics.kernels.sums import Totals
from workers.genomics.kernels.tally import Tally
from workers.genomics.kernels.values import add_dosages

_FOUR_MISSING = np.array([3, 12, 48, 192], np.uint8)


class Block:
    """Room for the packed rows of some variants that follow each other in the weights."""

    def __init__(self, height: int, samples: int) -> None:
        self.height = height
        self.rows = np.empty(height, np.int64)
        self.packed = np.zeros((height, packed_bytes(samples)), np.uint8)
        self.haploid = np.zeros((0, self.packed.shape[1] // 2), np.uint8)
        self.mixed = np.zeros(height, np.bool_)
        self.filled = 0

    def take(self, rows: NDArray[np.int64], packed: NDArray[np.uint8], haploid: NDArray[np.uint8] | None) -> None:
        """Copy rows in; they must fit."""
        at = slice(self.filled, self.filled + len(rows))
        self.rows[at], self.mixed[at] = rows, False
        self.packed[at, : packed.shape[1]] = packed
        if haploid is not None and (mixed := haploid.any(axis=1)).any():
            # Most data have no call of one allele: the room is made for the first.
            if not len(self.haploid):
                self.haploid = np.zeros((self.height, self.haploid.shape[1]), np.uint8)
            self.haploid[at, : haploid.shape[1]], self.mixed[at] = haploid, mixed
        self.filled += len(rows)


class PackedKernel:
    """Sums scores over packed calls and dosages. `make_totals` says how blocks of hard calls are added."""

    def __init__(
        self, table: Table, samples: int, height: int, make_totals: Callable[[], Totals], threads: SampleThreads
    ) -> None:
        self._table, self._samples, self._threads = table, samples, threads
        self._make_totals = make_totals
        self._totals: Totals | None = None
        self._dosages: NDArray[np.float64] | None = None
        self._block = Block(height, samples)
        self._constant = np.zeros(table.columns)
        self._tally = Tally(table, samples, self._block.packed.shape[1], threads)

    def add(self, chunk: GenotypeChunk) -> None:
        """Blocks begin at fixed rows of the weights, so that they do not depend on how chunks were cut."""
        known = self._table.weights.variant_idx
        if not len(known):
            return
        rows = np.searchsorted(known, chunk.variant_idx)
        take = np.flatnonzero(known[np.minimum(rows, len(known) - 1)] == chunk.variant_idx)
        rows = rows[take]
        if not len(rows):
            return
        if chunk.dosage is not None:
            self._add_dosages(chunk, chunk.dosage[take], rows, take)
            return
        at, height = 0, self._block.height
        while at < len(rows):
            number = rows[at] // height
            end = int(np.searchsorted(rows, (number + 1) * height))
            if self._block.filled and self._block.rows[0] // height != number:
                self._flush()
            part = _slice(take[at:end])
            self._block.take(rows[at:end], chunk.packed[part], None if chunk.haploid is None else chunk.haploid[part])
            at = end

    def finish(self) -> Sums:
        """Add what is still buffered, and give the sums of every sample."""
        self._flush()
        self._threads.close()
        parts = [] if self._dosages is None else [self._dosages]
        if self._totals is not None:
            parts.append(self._totals.finish())
        total = parts.pop() if parts else np.zeros((self._table.columns, self._samples))
        total = total[:, : self._samples]
        for part in parts:
            total += part[:, : self._samples]
        total += self._constant[:, None]
        # Copies are whole or half only where no dosage was added; sums in float32 are put right so.
        if self._dosages is None:
            _to_halves(total[self._table.scores :])
        called, denominator = self._tally.finish()
        scores = self._table.scores
        return Sums(total[:scores].T, called, denominator, total[scores:].T)

    def _flush(self) -> None:
        block = self._block
        if not block.filled:
            return
        rows, mixed, packed = block.rows[: block.filled], block.mixed[: block.filled], block.packed[: block.filled]
        haploid = block.haploid[: len(rows)] if mixed.any() else None
        block.filled = 0
        features = features_of(self._table, rows, mixed)
        self._constant += features.constant
        self._totals = self._totals or self._make_totals()
        self._totals.add(packed if haploid is None else split_ploidy(packed, haploid, mixed), features)
        self._tally.add(rows, packed, mixed, haploid, self._totals.named)

    def _add_dosages(
        self, chunk: GenotypeChunk, dosage: NDArray[np.float32], rows: NDArray[np.int64], take: NDArray[np.intp]
    ) -> None:
        """Dosages are summed as they are; hard calls of the same chunk do not count."""
        table = self._table
        local, entry = entries_of(table, rows)
        starts = np.searchsorted(local, np.arange(len(rows) + 1))
        haploid = None if chunk.haploid is None else chunk.haploid[take]
        mixed = np.zeros(len(rows), np.bool_)
        if haploid is not None:
            mixed |= haploid.any(axis=1)
        bits = np.zeros((0, 0), np.uint8) if haploid is None else haploid
        column, weight, rule = table.column[entry], table.weight[entry], table.rule[entry]
        if self._dosages is None:
            self._dosages = np.zeros((table.columns, self._samples))
        fill, total = table.weights.fill[rows], self._dosages
        given = (dosage, bits, mixed, starts, column, weight, rule, fill)
        self._threads.share(lambda first, last: add_dosages(*given, 4 * first, min(4 * last, self._samples), total))
        self._tally.add(rows, _missing_calls(dosage), mixed, haploid, total[table.scores :].T)


def _slice(places: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Ascending places as a slice where they have no gaps, which copies nothing."""
    dense = len(places) and places[-1] - places[0] == len(places) - 1
    return slice(int(places[0]), int(places[-1]) + 1) if dense else places


def _to_halves(copies: NDArray[np.float64]) -> None:
    """Copies of hard calls are whole, or halves where one haploid call is heterozygous; in place."""
    copies *= 2
    np.rint(copies, out=copies)
    copies /= 2


def _missing_calls(dosage: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Packed rows that are missing where the dosage is, and 0 elsewhere."""
    calls = np.zeros((len(dosage), 4 * packed_bytes(dosage.shape[1])), np.uint8)
    calls[:, : dosage.shape[1]] = np.isnan(dosage)
    packed: NDArray[np.uint8] = (calls.reshape(len(dosage), -1, 4) * _FOUR_MISSING).sum(axis=2, dtype=np.uint8)
    return packed
