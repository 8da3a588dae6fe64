"""How much of a score was found, and whether it is enough."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.status import Status
from schemas.wording import counted
from workers.genomics.scores.log import SUMMARY_SCHEMA
from workers.genomics.scores.reasons import Outcome
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sheet import ScoreSheet
from workers.genomics.scores.target import Target

_REASONS = 3
"""Reasons that the detail of a score names, at most."""


@dataclass(frozen=True)
class Fates:
    """What became of the rows of one file: which count, which have no variant (the rest is excluded), which are
    ambiguous, which fit on the other strand, and where a variant lies at the position or has the id."""

    matched: NDArray[np.bool_]
    unmatched: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]
    flipped: NDArray[np.bool_]
    found: NDArray[np.bool_]
    reason: NDArray[np.object_] | None = None
    """Why a row does not count, where that is known."""


def summarise(sheet: ScoreSheet, fates: Fates, target: Target, settings: Match, refused: bool) -> pl.DataFrame:
    """A row of `SUMMARY_SCHEMA` for each score. A row of the file counts for the scores that it has a weight of."""
    present = _present(sheet)
    counts: dict[str, NDArray[np.int64]] = {
        "n_variants": present.sum(axis=0),
        Outcome.MATCHED.value: present[fates.matched].sum(axis=0),
        Outcome.EXCLUDED.value: present[~fates.matched & ~fates.unmatched].sum(axis=0),
        Outcome.UNMATCHED.value: present[fates.unmatched].sum(axis=0),
        "ambiguous": present[fates.ambiguous].sum(axis=0),
        "flipped": present[fates.matched & fates.flipped].sum(axis=0),
    }
    n = counts["n_variants"]
    overlap = np.divide(counts[Outcome.MATCHED.value], n, out=np.zeros(len(n)), where=n > 0)
    there = float(fates.found.mean()) if len(fates.found) else 0.0
    # With min_overlap 0 too: a score of which nothing is found is no score of 0.
    low = (overlap < settings.min_overlap) | (counts[Outcome.MATCHED.value] == 0) | refused
    place = _place(sheet, target, there)
    details = [
        _detail(share, int(count), settings.min_overlap, _lost(fates, present[:, at]) + place, refused)
        if is_low
        else None
        for at, (share, count, is_low) in enumerate(zip(overlap, n, low, strict=True))
    ]
    return pl.DataFrame(
        {
            "score": list(sheet.scores),
            "file": [sheet.name] * len(n),
            "build": [sheet.build] * len(n),
            **counts,
            "overlap": overlap,
            "position_overlap": [there] * len(n),
            "status": np.where(low, Status.LOW_OVERLAP, Status.OK).tolist(),
            "detail": details,
            "warning": [None] * len(n),
        },
        schema=SUMMARY_SCHEMA,
    )


def _present(sheet: ScoreSheet) -> NDArray[np.bool_]:
    if len(sheet.scores) == 1:
        return np.ones((sheet.rows.height, 1), dtype=bool)
    return ~np.isnan(sheet.weights)


def _lost(fates: Fates, present: NDArray[np.bool_]) -> str:
    """The most frequent reasons why rows of a score do not count."""
    if fates.reason is None:
        return ""
    counted_by = Counter(str(reason) for reason in fates.reason[present & ~fates.matched] if reason is not None)
    return "".join(f"{reason} {count:,}; " for reason, count in counted_by.most_common(_REASONS))


def _place(sheet: ScoreSheet, target: Target, there: float) -> str:
    """What the positions say of the build."""
    if not sheet.has_positions:
        return f"{100 * there:.1f} % of its ids are known"
    of = "" if sheet.build is None else f", the file of {sheet.build}"
    return (
        f"{100 * there:.1f} % of its positions match; the genotypes are said to be {target.build or 'of no build'}{of}"
    )


def _detail(share: float, count: int, least: float, place: str, refused: bool) -> str:
    if not count:
        return "it has no variants"
    if refused:
        return f"it is of another build and is not used: {place}"
    if not share and not least:
        return f"none of its {counted(count, 'variant')} is matched: {place}"
    return f"{100 * share:.1f} % of its {counted(count, 'variant')} matched, less than {100 * least:g} %: {place}"
