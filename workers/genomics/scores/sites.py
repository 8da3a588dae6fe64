"""Sites of several ALTs.

Genotypes are biallelic records: a site of several ALTs is several of them. Copies of its REF are then 2 less the copies
of *all* its ALTs, not of the one that a row names. The row's own record counts as always; a correction for each other
ALT takes its copies off. The site's alleles are counted once, however many of its ALTs have a weight. What comes out is
what plink2 finds over the undivided site, in whatever order ALTs stand.

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
from workers.genomics.scores.sheet import ADDITIVE
from workers.genomics.scores.target import Target


@dataclass(frozen=True)
class Sites:
    """Records that share a site. `site`: for each row, the smallest place among its site's records. For other ALTs of
    rows that mean REF: `row`, and `place` of the other ALT's record."""

    site: NDArray[np.int64]
    row: NDArray[np.int64]
    place: NDArray[np.int64]

    def of(self, matched: NDArray[np.bool_]) -> Sites:
        """The same sites, with the other ALTs of rows that count alone."""
        kept = matched[self.row]
        return Sites(self.site, self.row[kept], self.place[kept])


def find_sites(choice: Choice, rows: pl.DataFrame, by_id: NDArray[np.bool_], target: Target, settings: Match) -> Sites:
    """Excludes rows that mean REF with a weight that is not additive, and, under `duplicates: drop`, those of which
    another ALT is there twice."""
    site = choice.place.copy()
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
    other_alt = (mine["alt"] != others["alt"]).fill_null(value=False) & kept & pl.Series(choice.flip[at[pair]])
    np.minimum.at(site, at[pair[kept.to_numpy()]], place[kept.to_numpy()])
    is_other = other_alt.to_numpy()
    frame = pl.DataFrame({"row": at[pair[is_other]], "alt": others["alt"].filter(other_alt), "place": place[is_other]})
    frame = frame.sort("row", "alt", "place")
    twice = np.unique(frame.filter(pl.struct("row", "alt").is_duplicated())["row"].to_numpy())
    if settings.duplicates == "drop":
        choice.exclude(twice, Reason.DUPLICATE_TARGET)
    first = frame.unique(["row", "alt"], keep="first", maintain_order=True)
    row, place = first["row"].to_numpy(), first["place"].to_numpy()
    choice.exclude(np.unique(row[rows["kind"].to_numpy()[row] != ADDITIVE]), Reason.MULTI_ALLELIC)
    return Sites(site, row, place)
