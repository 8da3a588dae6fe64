"""Weights as the kernels need them: every variant seen through a rule is a feature, of four values and many weights.

A rule is an effect kind and the allele it looks at. Additive weights of REF are turned into weights of ALT with the
other sign and a constant, so that scores which chose different alleles share one feature: w (2 - d) = 2 w - w d.
Beside the scores each group has a column of weights 1 for the copies of its effect alleles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.genomics.contract import Weights

DOMINANT, RECESSIVE = 1, 2
RULES = 6


@dataclass(frozen=True)
class Table:
    """The weights of a run, CSR by variant, with the columns of groups behind those of scores."""

    weights: Weights
    scores: int
    columns: int
    offsets: NDArray[np.int64]
    column: NDArray[np.int32]
    weight: NDArray[np.float64]
    rule: NDArray[np.uint8]
    """2 x kind + flip of every entry"""

    @property
    def groups(self) -> int:
        """How many there are."""
        return self.columns - self.scores


@dataclass(frozen=True)
class Features:
    """Those of some variants. `row` says in which of the packed rows a feature's codes lie."""

    row: NDArray[np.int64]
    values: NDArray[np.float64]
    """(features, 4): what each code counts"""
    feature: NDArray[np.int64]
    """(entries,)"""
    column: NDArray[np.int32]
    weight: NDArray[np.float64]
    constant: NDArray[np.float64]
    """(columns,): what every sample has"""


def weights_table(weights: Weights) -> Table:
    """Put the columns of groups in: the alleles of a group are those of its first score."""
    scores, groups = len(weights.scores), int(weights.group.max(initial=-1)) + 1
    own = (2 * weights.kind + weights.flip).astype(np.uint8)
    if not groups:
        return Table(weights, scores, scores, weights.offsets, weights.column, weights.weight, own)
    rows = np.repeat(np.arange(len(weights.variant_idx), dtype=np.int64), np.diff(weights.offsets))
    first = np.full(groups, -1, np.int64)
    # Backwards, so that of each group's scores the first is the one that stays.
    counted = np.flatnonzero(weights.group >= 0)[::-1]
    first[weights.group[counted]] = counted
    is_lead = np.zeros(scores, np.bool_)
    is_lead[first[first >= 0]] = True
    leads = np.flatnonzero(is_lead[weights.column])
    named = (scores + weights.group[weights.column[leads]]).astype(np.int32)
    # Stable: within a variant the groups stay behind the scores, and columns ascend.
    order = np.argsort(np.concatenate([rows, rows[leads]]), kind="stable")
    return Table(
        weights=weights,
        scores=scores,
        columns=scores + groups,
        offsets=weights.offsets + np.searchsorted(rows[leads], np.arange(len(weights.offsets))),
        column=np.concatenate([weights.column, named])[order],
        weight=np.concatenate([weights.weight, np.ones(len(leads))])[order],
        # Effect alleles are counted as they are, whatever kind of effect the score has: rule 0 or 1.
        rule=np.concatenate([own, weights.flip[leads]])[order],
    )


def entries_of(table: Table, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The entries of the variants `rows`: for each the variant's place among them, and its own place in the table."""
    lengths = table.offsets[rows + 1] - table.offsets[rows]
    ends = np.cumsum(lengths)
    local = np.repeat(np.arange(len(rows)), lengths)
    return local, np.arange(len(local)) + np.repeat(table.offsets[rows] - (ends - lengths), lengths)


def features_of(table: Table, rows: NDArray[np.int64], mixed: NDArray[np.bool_]) -> Features:
    """The features of the variants `rows`, whose codes lie in packed rows 0 to len(rows) - 1.

    Where `mixed`, some calls have one allele: the variant has three packed rows (`workers.genomics.kernels.ploidy`):
    its own with the diploid calls, and behind all others, in this order, one with the haploid calls and one that
    tells them.
    """
    local, entry = entries_of(table, rows)
    fill, rule, weight, column = table.weights.fill[rows], table.rule[entry], table.weight[entry], table.column[entry]
    # w (2 - d) holds for every sample only where all have two alleles and missing calls are filled.
    turned = (rule == 1) & (np.isfinite(fill) & ~mixed)[local]
    constant = np.bincount(column[turned], 2 * weight[turned], minlength=table.columns)
    key = local * RULES + np.where(turned, 0, rule)
    present = np.zeros(len(rows) * RULES, np.bool_)
    present[key] = True
    keys = np.flatnonzero(present)
    row, kind, flip = keys // RULES, keys % RULES // 2, keys % 2
    feature, weight = (np.cumsum(present) - 1)[key], np.where(turned, -weight, weight)
    diploid = _values(fill[row], kind, flip, 2)
    features = Features(row, diploid, feature, column, weight, constant.astype(np.float64))
    return _by_ploidy(features, len(rows), mixed, _values(fill[row], kind, flip, 1)) if mixed.any() else features


def copies_values(
    copies: NDArray[np.float64], kind: NDArray[np.int64], flip: NDArray[np.int64], ploidy: int
) -> NDArray[np.float64]:
    """(features, n) what `copies` of ALT among `ploidy` count; NaN stays."""
    effect = np.where(flip[:, None] == 1, ploidy - copies, copies)
    shown = np.where(kind[:, None] == DOMINANT, np.minimum(effect, 1), effect)
    return np.where(kind[:, None] == RECESSIVE, np.maximum(effect - 1, 0), shown)


def _values(
    fill: NDArray[np.float64], kind: NDArray[np.int64], flip: NDArray[np.int64], ploidy: int
) -> NDArray[np.float64]:
    copies = np.tile(np.array([0.0, 1.0, 2.0, 0.0]), (len(fill), 1))
    copies[:, 3] = fill
    values = copies_values(copies * (ploidy / 2), kind, flip, ploidy)
    if ploidy == 2:
        # What fills a dominant or recessive effect is the allele's frequency, as plink2 has it.
        ruled = kind > 0
        values[ruled, 3] = np.where(flip[ruled] == 1, 2 - fill[ruled], fill[ruled]) / 2
    return np.nan_to_num(values)


def _by_ploidy(features: Features, rows: int, mixed: NDArray[np.bool_], haploid: NDArray[np.float64]) -> Features:
    """Split the features of mixed variants: diploid calls, haploid calls, and what code 0 counts of either.

    A packed row has code 0 where the calls are in the other one, so both count from there: v(code) - v(0).
    """
    split = np.flatnonzero(mixed[features.row])
    behind = np.cumsum(mixed) - 1
    diploid, haploid = features.values[split], haploid[split]
    values = features.values.copy()
    values[split] = diploid - diploid[:, :1]
    base = np.zeros_like(diploid)
    base[:, 0], base[:, 3] = diploid[:, 0], haploid[:, 0]
    number = np.full(len(features.row), -1, np.int64)
    number[split] = np.arange(len(split))
    again = np.flatnonzero(number[features.feature] >= 0)
    more = len(features.row) + number[features.feature[again]]
    own = rows + behind[features.row[split]]
    return Features(
        row=np.concatenate([features.row, own, own + int(mixed.sum())]),
        values=np.concatenate([values, haploid - haploid[:, :1], base]),
        feature=np.concatenate([features.feature, more, more + len(split)]),
        column=np.concatenate([features.column, features.column[again], features.column[again]]),
        weight=np.concatenate([features.weight, features.weight[again], features.weight[again]]),
        constant=features.constant,
    )
