"""Copies of REF at sites of several ALTs.

Genotypes are biallelic records: a site of several ALTs is several of them. Copies of its REF are then 2 less the copies
of *all* its ALTs, not of the one that a row names. The row's own record counts as always; a correction for each other
ALT takes its copies off. What comes out is what plink2 counts over the undivided site, in whatever order ALTs stand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.scores.choose import Choice
from workers.scores.reasons import Reason
from workers.scores.settings import Match
from workers.scores.sheet import ADDITIVE
from workers.scores.target import Target


@dataclass(frozen=True)
class Siblings:
    """Other ALTs: `row` of the scoring file, `place` of the other ALT's record; `site` is the smallest place of those
    of a row's site and REF, and the row's own place where it has no siblings."""

    row: NDArray[np.int64]
    place: NDArray[np.int64]
    site: NDArray[np.int64]

    def of(self, matched: NDArray[np.bool_]) -> Siblings:
        """Those of rows that count."""
        kept = matched[self.row]
        return Siblings(self.row[kept], self.place[kept], self.site)


def find_siblings(choice: Choice, rows: pl.DataFrame, target: Target, settings: Match) -> Siblings:
    """For every row that means REF. Excludes those with a weight that is not additive, and, under `duplicates: drop`,
    those of which another ALT is there twice."""
    site = choice.place.copy()
    at = np.flatnonzero(choice.matched & choice.flip)
    pair, place = target.same_site(choice.place[at])
    own = choice.place[at][pair]
    names = target.variants.select("ref", "alt")
    mine, others = names[own], names[place]
    same = ((mine["ref"] == others["ref"]) & (mine["alt"] != others["alt"])).fill_null(value=False).to_numpy()
    row, place, alt = at[pair[same]], place[same], others["alt"].filter(pl.Series(same))
    frame = pl.DataFrame({"row": row, "alt": alt, "place": place}).sort("row", "alt", "place")
    first = frame.unique(["row", "alt"], keep="first", maintain_order=True)
    twice = np.unique(frame.filter(pl.struct("row", "alt").is_duplicated())["row"].to_numpy())
    if settings.duplicates == "drop":
        choice.exclude(twice, Reason.DUPLICATE_TARGET)
    kind = rows["kind"].to_numpy()
    row, place = first["row"].to_numpy(), first["place"].to_numpy()
    choice.exclude(np.unique(row[kind[row] != ADDITIVE]), Reason.MULTI_ALLELIC)
    np.minimum.at(site, row, place)
    return Siblings(row, place, site)
