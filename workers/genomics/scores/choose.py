"""Chooses, among the variants that a row may name, the one that it does name, and on which strand."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.alleles import SWAPPED, complement, counts_ref, ranks
from workers.genomics.scores.reasons import Reason
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import STAR, Pairs, Target

NONE = -1


@dataclass
class Choice:
    """What each row came to: `place` of its variant (-1: none), `rank` of the match type, and why it is out or in.

    `reason` is "" where there is nothing to say, `matched` whether it counts.
    """

    place: NDArray[np.int64]
    rank: NDArray[np.uint8]
    matched: NDArray[np.bool_]
    reason: NDArray[np.object_]
    ambiguous: NDArray[np.bool_]
    found: NDArray[np.bool_]
    """whether a variant lies at the position, or has the id"""

    @property
    def flip(self) -> NDArray[np.bool_]:
        """Whether copies of REF are meant."""
        return counts_ref(self.rank)

    def exclude(self, rows: NDArray[np.bool_] | NDArray[np.int64], reason: Reason) -> None:
        """These do not count."""
        self.matched[rows] = False
        self.reason[rows] = reason.value


def choose(rows: pl.DataFrame, pairs: Pairs, target: Target, settings: Match) -> Choice:
    """The best match of every row by its alleles; ambiguous SNPs by the settings."""
    row, place = pairs
    alleles = _alleles(rows, pairs, target)
    rank = ranks(alleles, settings.strand_flips)
    count = rows.height
    best = np.zeros(count, dtype=np.uint8)
    # `at`, since a row stands here once for every variant that it may name.
    np.maximum.at(best, row, rank)
    winning = (rank == best[row]) & (rank > 0)
    winning &= ~_stands_in(winning, row, alleles["alt"])
    choice = Choice(
        place=np.full(count, NONE, dtype=np.int64),
        rank=best,
        matched=best > 0,
        reason=np.full(count, "", dtype=object),
        ambiguous=np.zeros(count, dtype=bool),
        found=np.bincount(row, minlength=count) > 0,
    )
    choice.exclude(~choice.found, Reason.NO_VARIANT)
    choice.exclude(choice.found & (best == 0), Reason.OTHER_ALLELES)
    unknown = np.unique(row[alleles["ref"].is_null().to_numpy()])
    choice.exclude(unknown[best[unknown] == 0], Reason.UNKNOWN_BASE)
    _take_first(choice, row[winning], place[winning], target, settings)
    _ambiguous(choice, rows, row[winning], place[winning], target, settings)
    return choice


def _alleles(rows: pl.DataFrame, pairs: Pairs, target: Target) -> pl.DataFrame:
    row, place = pairs
    named = [target.refs(rows.select("chrom", "pos")[row], place).alias("ref"), target.variants["alt"][place]]
    return rows.select("effect", "other")[row].with_columns(named)


def _stands_in(winning: NDArray[np.bool_], row: NDArray[np.int64], alts: pl.Series) -> NDArray[np.bool_]:
    """Which are `*` although a row fits an allele with a name as well: REF of the site, which both have."""
    is_star = (alts == STAR).fill_null(value=False).to_numpy()
    if not is_star.any():
        return is_star
    named = np.bincount(row[winning & ~is_star], minlength=int(row.max()) + 1) > 0
    return np.asarray(is_star & named[row])


def _take_first(
    choice: Choice, row: NDArray[np.int64], place: NDArray[np.int64], target: Target, settings: Match
) -> None:
    """Several that fit equally well are one variant twice, unless only their other allele differs and the row does
    not say which: then it means REF of the site, and any of them stands for it."""
    if not len(row):
        return
    named = target.variants.select("ref", "alt", pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))[place]
    frame = named.with_columns(pl.Series("row", row)).sort("row", "alt", "place", nulls_last=True)
    first = frame.group_by("row", maintain_order=True).agg(
        pl.col("place").first(),
        pl.len().alias("n"),
        pl.col("alt").n_unique().alias("alts"),
        pl.col("place").min().alias("lowest"),
    )
    at, several = first["row"].to_numpy(), first["n"].to_numpy() > 1
    choice.place[at] = first["place"].to_numpy()
    is_site = several & counts_ref(choice.rank[at]) & (first["alts"] == first["n"]).to_numpy()
    twice = several & ~is_site
    # Of a variant that is there twice the first in the source counts, in whatever order its alleles sort.
    choice.place[at[twice]] = first["lowest"].to_numpy()[twice]
    if settings.duplicates == "drop":
        choice.exclude(at[twice], Reason.DUPLICATE_TARGET)


def _ambiguous(
    choice: Choice,
    rows: pl.DataFrame,
    row: NDArray[np.int64],
    place: NDArray[np.int64],
    target: Target,
    settings: Match,
) -> None:
    alleles = rows.select("effect", "other")[row].with_columns(target.variants.select("ref", "alt")[place])
    # A record without ALT does not tell the other allele: the row does.
    one, two = pl.coalesce("alt", "effect"), pl.when(pl.col("alt").is_null()).then("other").otherwise("ref")
    pairs = alleles.select(one.alias("one"), two.alias("two"))
    hit = pairs.select((complement("two") == pl.col("one")).fill_null(value=False).alias("is"))["is"].to_numpy()
    choice.ambiguous[row[hit]] = True
    asked = choice.ambiguous & choice.matched
    if settings.ambiguous == "drop":
        choice.exclude(asked, Reason.AMBIGUOUS)
    elif settings.ambiguous == "keep":
        choice.reason[asked] = Reason.AMBIGUOUS_KEPT.value
    else:
        _by_frequency(choice, rows, np.flatnonzero(asked), target, settings.max_maf)


def _by_frequency(choice: Choice, rows: pl.DataFrame, at: NDArray[np.int64], target: Target, max_maf: float) -> None:
    """The strand is that on which the effect allele is rare in both, or common in both."""
    said = rows["frequency"].fill_null(np.nan).to_numpy()[at]
    alt = np.full(len(at), np.nan)
    if target.alt_frequency is not None:
        alt = target.alt_frequency[choice.place[at]]
    here = np.where(choice.flip[at], 1 - alt, alt)
    unknown = np.isnan(said) | np.isnan(here)
    common = ~unknown & ((np.minimum(said, 1 - said) > max_maf) | (np.minimum(here, 1 - here) > max_maf))
    clear = ~unknown & ~common
    choice.exclude(at[unknown], Reason.AMBIGUOUS_NO_FREQUENCY)
    choice.exclude(at[common], Reason.AMBIGUOUS_COMMON)
    choice.reason[at[clear]] = Reason.AMBIGUOUS_FREQUENCY.value
    other = at[clear & ((said < 0.5) != (here < 0.5))]
    choice.rank[other] = SWAPPED[choice.rank[other]]
