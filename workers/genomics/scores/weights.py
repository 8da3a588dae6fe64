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
from workers.genomics.scores.joined import SITES, JoinedSites, Members, members_of

Part = tuple[Sequence[str], pl.DataFrame]
"""Names of the scores of a file, and its entries (`workers.genomics.scores.log.ENTRY_SCHEMA`)."""


@dataclass(frozen=True)
class ScoreWeights:
    """The matrix, and how the sums of its columns become those of the scores.

    Its rows are records and, behind them, joined sites (`workers.genomics.scores.joined`). At a site of several ALTs
    alleles are counted once (`workers.genomics.scores.sites`): a group of scores that has several rows of one is
    counted by a hidden column at the end of the matrix.
    """

    weights: Weights
    sites: JoinedSites
    scores: tuple[str, ...]
    group: NDArray[np.int32]
    """(scores,) of the folded sums"""
    counting: NDArray[np.int32]
    """(groups,) the matrix's group that counts the alleles of this one"""

    @property
    def records(self) -> NDArray[np.int64]:
        """The `variant_idx` of every record that is needed, ascending."""
        return self.sites.read_for(self.weights.variant_idx)

    def fold(self, sums: Sums) -> Sums:
        """The sums of the scores alone."""
        return Sums(
            total=sums.total[:, : len(self.scores)],
            allele_count=sums.allele_count[:, self.counting],
            denominator=sums.denominator[:, self.counting],
            named_dosage=sums.named_dosage[:, : len(self.counting)],
        )


def build_weights(
    parts: Sequence[Part], frequencies: pl.DataFrame | None, drop: Collection[str] = frozenset(), counted: bool = True
) -> ScoreWeights:
    """All scores but those of `drop`, in order. `frequencies` (`workers.genomics.scores.frequencies`) fill missing
    calls; None leaves them out. Within a row columns ascend and none is there twice. Not `counted`: sums alone are
    wanted, and there are no groups."""
    sites, blocks, scores = _blocks(parts, frozenset(drop))
    rows = np.unique(np.concatenate([block.variant_idx for block in blocks] or [np.zeros(0, dtype=np.int64)]))
    groups = _Groups()
    for block in blocks if counted else ():
        groups.add(block)
    hidden, counting = groups.hidden(len(scores))
    matrix = _Matrix(rows, blocks + hidden)
    visible = np.array(groups.of_score if counted else [-1] * len(scores), dtype=np.int32)
    weights = Weights(
        scores=(*scores, *(f"_{i}" for i in range(len(hidden)))),
        variant_idx=rows,
        fill=_fill(rows, sites, frequencies),
        offsets=matrix.offsets,
        column=matrix.column,
        weight=matrix.weight,
        flip=matrix.flip,
        kind=matrix.kind,
        group=np.concatenate([visible, np.arange(len(hidden), dtype=np.int32) + groups.count]).astype(np.int32),
    )
    return ScoreWeights(weights, sites, tuple(scores), visible, counting)


def _fill(rows: NDArray[np.int64], sites: JoinedSites, frequencies: pl.DataFrame | None) -> NDArray[np.float64]:
    """Expected copies of ALT of every row, of all ALTs together at a joined site."""
    records = sites.read_for(rows)
    copies = expected_copies(records, frequencies)
    own = rows[rows < SITES]
    # Every joined site has a row, and they stand behind all records.
    return np.concatenate([copies[np.searchsorted(records, own)], sites.copies(records, copies)])


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
    site: NDArray[np.int64]
    weights: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> _Block:
        """Some rows; a slice of them copies nothing."""
        return _Block(
            self.first,
            self.variant_idx[rows],
            self.flip[rows],
            self.kind[rows],
            self.site[rows],
            self.weights[rows],
        )


def _blocks(parts: Sequence[Part], drop: frozenset[str]) -> tuple[JoinedSites, list[_Block], list[str]]:
    blocks: list[_Block] = []
    members: list[list[Members | None]] = []
    names: list[str] = []
    for scores, entries in parts:
        kept = [place for place, score in enumerate(scores) if score not in drop]
        if not kept:
            continue
        flat = entries["weights"].explode(empty_as_null=False).to_numpy()
        weights = flat.reshape(entries.height, len(scores))
        weights = weights if len(kept) == len(scores) else weights[:, kept]
        used = ~np.isnan(weights).all(axis=1)
        if not used.all():
            entries, weights = entries.filter(pl.Series(used)), weights[used]
        variant_idx, flip, kind, site = (entries[name].to_numpy() for name in ("variant_idx", "flip", "kind", "site"))
        blocks.append(_Block(len(names), variant_idx, flip, kind, site, weights))
        members.append(members_of(variant_idx, entries["others"]))
        names += [scores[place] for place in kept]
    sites = JoinedSites.of(found for of_block in members for found in of_block if found is not None)
    if sites.members:
        blocks = [_joined(block, sites, found) for block, found in zip(blocks, members, strict=True)]
    return sites, blocks, names


def _joined(block: _Block, sites: JoinedSites, members: list[Members | None]) -> _Block:
    """Rows of joined sites under their numbers, and in the order of these."""
    numbered = replace(block, variant_idx=sites.numbered(block.variant_idx, members))
    return numbered.take(np.argsort(numbered.variant_idx, kind="stable"))


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
        columns = (block.variant_idx, block.flip, block.kind, block.site)
        fixed = np.stack([column.astype(np.int64) for column in columns], axis=1)
        for place in range(block.weights.shape[1]):
            mask = given[:, place]
            # Millions of rows a score: groups are found by a digest, and no list is kept.
            key = hashlib.blake2b(fixed[mask].tobytes(), digest_size=16).digest()
            number = self._known.setdefault(key, len(self._known))
            self.of_score.append(number)
            if number == len(self._known) - 1 and number not in self._own:
                self._own[number] = (block, mask)

    def hidden(self, scores: int) -> tuple[list[_Block], Counted]:
        """Columns that count the alleles of groups with several rows of one site, from number `scores` on; and for
        each group which of the matrix's groups counts its alleles."""
        counting = np.arange(self.count, dtype=np.int32)
        blocks: list[_Block] = []
        for group, (block, mask) in self._own.items():
            own = np.flatnonzero(mask)
            first = own[np.sort(np.unique(block.site[own], return_index=True)[1])]
            if len(first) < len(own):
                part = block.take(first)
                blocks.append(replace(part, first=scores + len(blocks), weights=np.ones((len(first), 1))))
                counting[group] = self.count + len(blocks) - 1
        return blocks, counting


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
