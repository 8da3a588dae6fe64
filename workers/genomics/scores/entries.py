"""What counts of each file, once its rows have their variants."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from workers.genomics.scores.choose import Choice
from workers.genomics.scores.log import ENTRY_SCHEMA
from workers.genomics.scores.sheet import ScoreSheet
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
    row = np.flatnonzero(choice.matched)
    idx = variant_idx[choice.place[row]]
    file = np.searchsorted(starts, row, "right") - 1
    # By file and then by variant, as the matrix takes its rows; the last key is the first to sort by.
    order = np.lexsort((row, idx, file))
    row, idx, file = row[order], idx[order], file[order]
    fixed = pl.DataFrame(
        {
            "variant_idx": idx,
            "flip": choice.flip[row].astype(np.uint8),
            "kind": kind[row].astype(np.uint8),
            "others": others_of(row, sites, variant_idx),
            "site": np.where(sites.site[row] < 0, sites.site[row], variant_idx[np.maximum(sites.site[row], 0)]),
        },
        schema={name: dtype for name, dtype in ENTRY_SCHEMA.items() if name != "weights"},
    )
    bounds = np.searchsorted(file, np.arange(len(sheets) + 1))
    made = []
    for number, sheet in enumerate(sheets):
        part = slice(int(bounds[number]), int(bounds[number + 1]))
        made.append(fixed[part].hstack([_lists(sheet.weights[row[part] - starts[number]])]))
    return made


def others_of(row: NDArray[np.int64], sites: Sites, variant_idx: NDArray[np.int64]) -> pl.Series:
    """For each of these rows the `variant_idx` of the other records of its site, ascending; few have any."""
    ascending = np.argsort(row, kind="stable")
    at = ascending[np.searchsorted(row[ascending], sites.row)]
    idx = variant_idx[sites.place]
    order = np.lexsort((idx, at))
    counts = np.bincount(at, minlength=len(row)) if len(at) else np.zeros(len(row), np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pl.Series("others", pl.from_arrow(pa.ListArray.from_arrays(offsets, pa.array(idx[order], pa.int64()))))


def _lists(weights: NDArray[np.float64]) -> pl.Series:
    if not len(weights):
        return pl.Series("weights", [], dtype=pl.List(pl.Float64))
    width = weights.shape[1]
    return pl.Series("weights", weights, dtype=pl.Array(pl.Float64, width)).cast(pl.List(pl.Float64))
