"""What counts of each file, once its rows have their variants."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.genomics.scores.choose import Choice
from workers.genomics.scores.log import ENTRY_SCHEMA
from workers.genomics.scores.sheet import ADDITIVE, ScoreSheet
from workers.genomics.scores.sites import Sites


def entries_of(
    sheets: Sequence[ScoreSheet],
    starts: NDArray[np.int64],
    choice: Choice,
    sites: Sites,
    kind: NDArray[np.uint8],
    variant_idx: NDArray[np.int64],
) -> list[pl.DataFrame]:
    """Rows of `ENTRY_SCHEMA` for each file: file `n` has those from `starts[n]` on. `sites` are of rows that count."""
    own = np.flatnonzero(choice.matched)
    row = np.concatenate([own, sites.row])
    is_correction = np.arange(len(row)) >= len(own)
    idx = variant_idx[np.concatenate([choice.place[own], sites.place])]
    file = np.searchsorted(starts, row, "right") - 1
    # By file and then by variant, as the matrix takes its rows; the last key is the first to sort by.
    order = np.lexsort((row, is_correction, idx, file))
    row, is_correction, idx, file = row[order], is_correction[order], idx[order], file[order]
    fixed = pl.DataFrame(
        {
            "variant_idx": idx,
            "flip": np.where(is_correction, 0, choice.flip[row]).astype(np.uint8),
            "kind": np.where(is_correction, ADDITIVE, kind[row]).astype(np.uint8),
            "correction": is_correction,
            "site": variant_idx[sites.site[row]],
        },
        schema={name: dtype for name, dtype in ENTRY_SCHEMA.items() if name != "weights"},
    )
    bounds = np.searchsorted(file, np.arange(len(sheets) + 1))
    made = []
    for number, sheet in enumerate(sheets):
        part = slice(int(bounds[number]), int(bounds[number + 1]))
        weights = sheet.weights[row[part] - starts[number]]
        # A correction takes the copies of another ALT off those of REF.
        weights[is_correction[part]] *= -1
        made.append(fixed[part].hstack([_lists(weights)]))
    return made


def _lists(weights: NDArray[np.float64]) -> pl.Series:
    if not len(weights):
        return pl.Series("weights", [], dtype=pl.List(pl.Float64))
    width = weights.shape[1]
    return pl.Series("weights", weights, dtype=pl.Array(pl.Float64, width)).cast(pl.List(pl.Float64))
