"""One sparse matrix of all scores of a run, from what matching found for each file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.contract import Sums, Weights
from workers.genomics.scores.frequencies import expected_copies

Part = tuple[Sequence[str], pl.DataFrame]
"""Names of the scores of a file, and its entries (`workers.genomics.scores.log.ENTRY_SCHEMA`)."""


@dataclass(frozen=True)
class ScoreWeights:
    """The matrix, and how the sums of its columns become those of the scores.

    At a site of several ALTs (`workers.genomics.scores.sites`) alleles are counted once, and copies of REF take
    corrections, which are in the sums and must not count as alleles of their own. A group of scores with such a site
    is counted by hidden columns at the end of the matrix.
    """

    weights: Weights
    scores: tuple[str, ...]
    group: NDArray[np.int32]
    """(scores,) of the folded sums"""
    counting: NDArray[np.int32]
    """(groups,) the matrix's group that counts the alleles of this one"""
    naming: NDArray[np.int32]
    """(groups,) the matrix's group that counts its effect alleles"""
    correcting: NDArray[np.int32]
    """(groups,) the matrix's group whose effect alleles are taken off these; -1: there is none"""

    def fold(self, sums: Sums) -> Sums:
        """The sums of the scores alone."""
        named = sums.named_dosage[:, self.naming]
        has = np.flatnonzero(self.correcting >= 0)
        named[:, has] -= sums.named_dosage[:, self.correcting[has]]
        return Sums(
            total=sums.total[:, : len(self.scores)],
            allele_count=sums.allele_count[:, self.counting],
            denominator=sums.denominator[:, self.counting],
            named_dosage=named,
        )


def build_weights(
    parts: Sequence[Part], frequencies: pl.DataFrame | None, drop: Collection[str] = frozenset(), counted: bool = True
) -> ScoreWeights:
    """All scores but those of `drop`, in order. `frequencies` (`workers.genomics.scores.frequencies`) fill missing
    calls; None leaves them out. Within a row columns ascend and none is there twice. Not `counted`: sums alone are
    wanted, and there are no groups."""
    blocks, scores = _blocks(parts, frozenset(drop))
    rows = np.unique(np.concatenate([block.variant_idx for block in blocks] or [np.zeros(0, dtype=np.int64)]))
    groups = _Groups()
    for block in blocks if counted else ():
        groups.add(block)
    hidden, places = groups.hidden(len(scores))
    matrix = _Matrix(rows, [_merged(block) for block in blocks] + hidden)
    visible = np.array(groups.of_score if counted else [-1] * len(scores), dtype=np.int32)
    weights = Weights(
        scores=(*scores, *(f"_{i}" for i in range(len(hidden)))),
        variant_idx=rows,
        fill=expected_copies(rows, frequencies),
        offsets=matrix.offsets,
        column=matrix.column,
        weight=matrix.weight,
        flip=matrix.flip,
        kind=matrix.kind,
        group=np.concatenate([visible, np.arange(len(hidden), dtype=np.int32) + groups.count]).astype(np.int32),
    )
    return ScoreWeights(weights, tuple(scores), visible, *places)


Counted = NDArray[np.int32]

_PIECE = 1 << 18
"""Entries that are put into the matrix at a time"""


@dataclass(frozen=True)
class _Block:
    """Rows of one file in the order of their variants; `weights` is (rows, columns), columns from `first` on."""

    first: int
    variant_idx: NDArray[np.int64]
    flip: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    correction: NDArray[np.bool_]
    site: NDArray[np.int64]
    weights: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> _Block:
        """Some rows; a slice of them copies nothing."""
        return _Block(
            self.first,
            self.variant_idx[rows],
            self.flip[rows],
            self.kind[rows],
            self.correction[rows],
            self.site[rows],
            self.weights[rows],
        )


def _blocks(parts: Sequence[Part], drop: frozenset[str]) -> tuple[list[_Block], list[str]]:
    blocks: list[_Block] = []
    names: list[str] = []
    for scores, entries in parts:
        kept = [place for place, score in enumerate(scores) if score not in drop]
        if not kept:
            continue
        flat = entries["weights"].explode(empty_as_null=False).to_numpy()
        weights = flat.reshape(entries.height, len(scores))
        weights = weights if len(kept) == len(scores) else weights[:, kept]
        fixed = ("variant_idx", "flip", "kind", "correction", "site")
        variant_idx, flip, kind, correction, site = (entries[name].to_numpy() for name in fixed)
        block = _Block(len(names), variant_idx, flip, kind, correction, site, weights)
        used = ~np.isnan(weights).all(axis=1)
        blocks.append(block if used.all() else block.take(used))
        names += [scores[place] for place in kept]
    return blocks, names


def _merged(block: _Block) -> _Block:
    """A correction of a variant that the score has a weight of is added to it: both are of copies of ALT."""
    if not block.correction.any():
        return block
    order = np.lexsort((block.correction, block.kind, block.flip, block.variant_idx))
    block = block.take(order)
    # A correction and a weight of one variant, allele and kind lie side by side now.
    same = (
        (np.diff(block.variant_idx) == 0)
        & (np.diff(block.flip.astype(np.int8)) == 0)
        & (np.diff(block.kind.astype(np.int8)) == 0)
    )
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    empty = np.logical_and.reduceat(np.isnan(block.weights), starts, axis=0)
    total = np.add.reduceat(np.nan_to_num(block.weights), starts, axis=0)
    return replace(block.take(starts), weights=np.where(empty, np.nan, total))


class _Groups:
    """Scores with the same alleles of the same variants."""

    def __init__(self) -> None:
        self.of_score: list[int] = []
        self._known: dict[bytes, int] = {}
        self._own: dict[int, tuple[_Block, NDArray[np.bool_]]] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._known)

    def add(self, block: _Block) -> None:
        """The scores of one file."""
        given = ~np.isnan(block.weights)
        columns = (block.variant_idx, block.flip, block.kind, block.correction, block.site)
        fixed = np.stack([column.astype(np.int64) for column in columns], axis=1)
        for place in range(block.weights.shape[1]):
            mask = given[:, place]
            # Millions of rows a score: groups are found by a digest, and no list is kept.
            key = hashlib.blake2b(fixed[mask].tobytes(), digest_size=16).digest()
            number = self._known.setdefault(key, len(self._known))
            self.of_score.append(number)
            if number == len(self._known) - 1 and number not in self._own:
                self._own[number] = (block, mask)

    def hidden(self, scores: int) -> tuple[list[_Block], tuple[Counted, Counted, Counted]]:
        """Columns that count for groups with sites of several ALTs, from number `scores` on; and for each group which
        of the matrix's groups counts its alleles, its effect alleles, and what is taken off these."""
        counting, naming = np.arange(self.count, dtype=np.int32), np.arange(self.count, dtype=np.int32)
        correcting = np.full(self.count, -1, dtype=np.int32)
        blocks: list[_Block] = []

        def add(part: _Block) -> int:
            blocks.append(replace(part, first=scores + len(blocks), weights=np.ones((len(part.variant_idx), 1))))
            return self.count + len(blocks) - 1

        for group, (block, mask) in self._own.items():
            own = np.flatnonzero(mask & ~block.correction)
            first = own[np.sort(np.unique(block.site[own], return_index=True)[1])]
            corrections = np.flatnonzero(mask & block.correction)
            if len(corrections):
                naming[group], correcting[group] = add(block.take(own)), add(block.take(corrections))
            if len(first) < len(own):
                counting[group] = add(block.take(first))
            elif len(corrections):
                counting[group] = naming[group]
        return blocks, (counting, naming, correcting)


class _Matrix:
    """CSR of blocks whose columns ascend."""

    def __init__(self, rows: NDArray[np.int64], blocks: Sequence[_Block]) -> None:
        self.offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        places = [np.searchsorted(rows, block.variant_idx) for block in blocks]
        for place, block in zip(places, blocks, strict=True):
            np.add.at(self.offsets, place + 1, (~np.isnan(block.weights)).sum(axis=1))
        np.cumsum(self.offsets, out=self.offsets)
        size = int(self.offsets[-1])
        self.column = np.empty(size, dtype=np.int32)
        self.weight = np.empty(size)
        self.flip = np.empty(size, dtype=np.uint8)
        self.kind = np.empty(size, dtype=np.uint8)
        self._next = self.offsets[:-1].copy()
        for place, block in zip(places, blocks, strict=True):
            # A piece at a time: what says where its entries go takes several times their room.
            step = max(1, _PIECE // block.weights.shape[1])
            for start in range(0, len(place), step):
                part = slice(start, start + step)
                self._put(place[part], block if len(place) <= step else block.take(part))

    def _put(self, place: NDArray[np.int64], block: _Block) -> None:
        given = ~np.isnan(block.weights)
        row, column = np.nonzero(given)
        count = given.sum(axis=1)
        # Rows of one variant follow each other: each entry goes behind those of its variant that came before.
        first = self._next[place]
        before = np.cumsum(count) - count
        leading = np.concatenate(([True], place[1:] != place[:-1])) if len(place) else np.zeros(0, dtype=bool)
        group_start = np.maximum.accumulate(np.where(leading, before, 0))
        at = np.arange(len(row)) - np.repeat(group_start, count) + np.repeat(first, count)
        self.column[at] = column + block.first
        self.weight[at] = block.weights[given]
        self.flip[at] = block.flip[row]
        self.kind[at] = block.kind[row]
        np.add.at(self._next, place, count)
