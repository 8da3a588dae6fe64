"""Prediction times by a simple rule, from the rows of some subjects."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.ehr.events.asof import DAY, as_of
from workers.ehr.events.contract import STATIC
from workers.ehr.events.fetching import SubjectRows
from workers.ehr.events.settings import TaskInput

Integers = NDArray[np.int64]


def prediction_times(rows: SubjectRows, task: TaskInput) -> tuple[Integers, Integers]:
    """For each prediction its subject, by place in `rows`, and its time; by subject, then time, none twice.

    What counts as history is cut by `as_of`, as it is when the model reads it.
    """
    subjects = len(rows.offsets) - 1
    if task.at is not None:
        readable = np.setdiff1d(np.arange(subjects), np.array(sorted(rows.faults), np.int64))
        of, times = readable, np.full(len(readable), np.datetime64(task.at, "us").astype(np.int64))
    else:
        of, times = _times_of_codes(rows, task.codes)
    cut = as_of(rows.time, rows.known, rows.offsets[of], rows.offsets[of + 1], times)
    enough = cut.n_timed >= task.min_events
    if task.min_days:
        first = cut.first_time(rows.time)
        enough &= (first != STATIC) & (times - np.where(first == STATIC, times, first) >= task.min_days * DAY)
    return of[enough], times[enough]


def _times_of_codes(rows: SubjectRows, codes: Sequence[str]) -> tuple[Integers, Integers]:
    """Every time at which a subject has an event of these codes."""
    starts = tuple(f"{code}//" for code in codes)
    ends = np.array([name in codes or name.startswith(starts) for name in rows.code_names], bool)
    hits = np.flatnonzero(ends[rows.code] & (rows.time != STATIC)) if len(ends) else np.zeros(0, np.intp)
    of = np.searchsorted(rows.offsets, hits, side="right") - 1
    times = rows.time[hits]
    fresh = np.ones(len(hits), bool)
    fresh[1:] = (of[1:] != of[:-1]) | (times[1:] != times[:-1])
    return of[fresh], times[fresh]
