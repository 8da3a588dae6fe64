"""Rows of one file that name the same allele, or the same variant."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.choose import Choice
from workers.genomics.scores.reasons import Reason
from workers.genomics.scores.settings import Match
from workers.genomics.scores.sites import Sites

Counted = NDArray[np.int64]


def settle(
    choice: Choice, file: NDArray[np.int64], kind: NDArray[np.uint8], weights: list[NDArray[np.float64]],
    sites: Sites, settings: Match,
) -> None:  # fmt: skip
    """Leave one row a variant and score at most. `weights` are those of each file, `file` says which a row is of.

    Rows that agree in all are one row written twice: the first counts. Of rows that do not, none counts under
    `duplicates: drop`. At a site of several ALTs, REF and an ALT are not the same.
    """
    has_others = np.zeros(len(file), dtype=bool)
    has_others[sites.row] = True
    is_site = has_others & choice.flip
    frame = pl.DataFrame(
        {
            "row": np.arange(len(file)),
            "file": file,
            "allele": np.where(is_site | (sites.site < 0), sites.site, choice.place),
            "is_site": is_site,
        }
    ).filter(pl.Series(choice.matched))
    key = pl.struct("file", "allele", "is_site")
    groups = frame.filter(key.is_duplicated()).group_by("file", "allele", "is_site", maintain_order=True).agg("row")
    first_row = np.searchsorted(file, np.arange(len(weights)))
    # Of all rows once: a file may repeat every variant, and each group asks for it.
    effects = np.stack([choice.flip, kind], axis=1)
    for number, members in groups.select("file", "row").iter_rows():
        rows = np.array(members)
        _settle(choice, rows, effects[rows], weights[number][rows - first_row[number]], settings)


def _settle(
    choice: Choice, rows: Counted, effects: NDArray[np.uint8], values: NDArray[np.float64], settings: Match
) -> None:
    """`effects` are the alleles and kinds of these rows, `values` their weights."""
    given = ~np.isnan(values)
    if (given.sum(axis=0) <= 1).all():
        # Rows of a table of many scores that have no score in common.
        return
    # NaN equals nothing: two rows without a weight of one score agree in it.
    equal = (values == values[0]) | ~(given | given[0])
    if settings.duplicates == "first" or (equal.all() and (effects == effects[0]).all()):
        choice.exclude(rows[1:], Reason.DUPLICATE_ROW)
    else:
        choice.exclude(rows, Reason.DUPLICATE_WEIGHTS)
