"""Dosages out of lines of VCF."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SLACK = 1e-3
"""How far over its bounds a printed dosage may be."""

MALFORMED = "a dosage is no number from 0 to 2"


def parse_dosages(genotypes: bytes, field: int, alts: int) -> NDArray[np.float64] | None:
    """(alts, samples) copies of each alternative, NaN where there are none; None where one is not written as such."""
    try:
        text = genotypes.decode("ascii")
    except UnicodeDecodeError:
        return None
    column = pl.Series([text]).str.split("\t").explode()
    values = column.str.split(":").list.get(field, null_on_oob=True)
    if alts > 1:
        split = values.str.split(",")
        whole = split.list.len()
        if ((whole != alts) & (values != ".")).any():
            return None
        columns = [split.list.get(alt, null_on_oob=True) for alt in range(alts)]
    else:
        columns = [values]
    found = [_numbers(column) for column in columns]
    return None if any(numbers is None for numbers in found) else np.stack(found)  # type: ignore[arg-type]


def _numbers(texts: pl.Series) -> NDArray[np.float64] | None:
    """The fields as numbers; `.` and what is not there are NaN."""
    given = texts.set(texts == ".", None)
    numbers = given.cast(pl.Float64, strict=False)
    known = numbers.drop_nulls()
    if len(known) != given.len() - given.null_count() or not known.is_between(-_SLACK, 2 + _SLACK).all():
        return None
    found: NDArray[np.float64] = numbers.fill_null(np.nan).to_numpy().clip(0, 2)
    return found
