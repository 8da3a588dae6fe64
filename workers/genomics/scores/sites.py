"""Sites of several ALTs.

Genotypes are biallelic records: a site of several ALTs is several of them. Copies of its REF are then those that *none*
of its ALTs has, and not those that the one ALT which a row names leaves. Such a row counts a variant that is joined
from all records of the site (`workers.genomics.scores.joined`). The site's alleles are counted once, however many of
its ALTs have a weight. What comes out is what plink2 finds over the undivided site, in whatever order ALTs stand.

Records of one site have one position and REF. Where variants are found by id they have one id too: separate records
with ids of their own are then separate variants, as plink2 takes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.choose import Choice
from workers.genomics.scores.reasons import Reason
from workers.genomics.scores.settings import Match
from workers.genomics.scores.target import STAR, Target


@dataclass(frozen=True)
class Sites:
    """Records that share a site. `site`: for each row, the smallest place among its site's records; within a block of
    reference, of which each position is a site, a number below 0. For other ALTs of rows that mean REF: `row`, and
    `place` of the other ALT's record."""

    site: NDArray[np.int64]
    row: NDArray[np.int64]
    place: NDArray[np.int64]

    def of(self, matched: NDArray[np.bool_]) -> Sites:
        """The same sites, with the other ALTs of rows that count alone."""
        kept = matched[self.row]
        return Sites(self.site, self.row[kept], self.place[kept])


def find_sites(choice: Choice, rows: pl.DataFrame, by_id: NDArray[np.bool_], target: Target, settings: Match) -> Sites:
    """Excludes rows that mean REF, under `duplicates: drop`, of whose site another ALT is there twice."""
    site = target.without_blocks(rows, choice.place)
    at = np.flatnonzero(choice.matched)
    pair, place = target.same_site(choice.place[at])
    # Most variants are alone at their position: the comparisons below are for the others.
    several = np.bincount(pair, minlength=len(at))[pair] > 1
    pair, place = pair[several], place[several]
    names = target.variants.select("ref", "alt", "id")
    mine, others = names[choice.place[at][pair]], names[place]
    one_site = (mine["ref"] == others["ref"]) & ((mine["id"] == others["id"]) | ~pl.Series(by_id[at[pair]]))
    # An allele that the source does not name equals none.
    kept = one_site.fill_null(value=False)
    is_named = mine["alt"].is_not_null() & others["alt"].is_not_null()
    # Of `*`, the same letter in two records need not be the same allele.
    is_another = ((mine["alt"] != others["alt"]) | (mine["alt"] == STAR)).fill_null(value=False)
    is_another &= pl.Series(choice.place[at[pair]] != place)
    other_alt = is_another & is_named & kept & pl.Series(choice.flip[at[pair]])
    np.minimum.at(site, at[pair[kept.to_numpy()]], place[kept.to_numpy()])
    is_other = other_alt.to_numpy()
    alts = others["alt"].filter(other_alt)
    frame = pl.DataFrame({"row": at[pair[is_other]], "alt": alts, "place": place[is_other]}).sort("row", "alt", "place")
    is_twice = pl.struct("row", "alt").is_duplicated() & (pl.col("alt") != STAR)
    if settings.duplicates == "drop":
        choice.exclude(np.unique(frame.filter(is_twice)["row"].to_numpy()), Reason.DUPLICATE_TARGET)
    is_first = pl.struct("row", "alt").is_first_distinct() | (pl.col("alt") == STAR)
    first = frame.filter(is_first)
    return Sites(site, first["row"].to_numpy(), first["place"].to_numpy())
