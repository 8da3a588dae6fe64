"""The cut as of a prediction time, against a filter that looks at one event at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import WardroundError
from workers.ehr.events.asof import DAY, as_of, known_from
from workers.ehr.events.contract import STATIC

EPOCH = datetime(1970, 1, 1)

# Few days and few times of day, so that events meet prediction times, each other and midnight often.
moments = st.builds(
    lambda day, part: day * DAY + part,
    st.integers(-3, 3),
    st.sampled_from([0, 1, DAY // 2, DAY - 1]),
)
histories = st.lists(st.one_of(st.none(), moments), max_size=12).map(
    lambda times: sorted(STATIC if time is None else time for time in times)
)
records = st.lists(st.tuples(histories, st.lists(moments, min_size=1, max_size=3)), min_size=1, max_size=6)


def is_known(time: int, prediction_time: int, exact: bool) -> bool:
    """One event, as a person would say it."""
    if time == STATIC:
        return True
    when, now = EPOCH + timedelta(microseconds=time), EPOCH + timedelta(microseconds=prediction_time)
    if when > now:
        return False
    whole_day = (when.hour, when.minute, when.second, when.microsecond) == (0, 0, 0, 0)
    return exact or not (whole_day and when.date() == now.date())


@settings(max_examples=120, deadline=None)
@given(records=records, exact=st.booleans())
def test_each_history_is_what_a_filter_of_single_events_leaves(
    records: list[tuple[list[int], list[int]]], exact: bool
) -> None:
    time = np.array([t for times, _ in records for t in times], np.int64)
    lengths = np.array([len(times) for times, _ in records])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    of = np.array([subject for subject, (_, whens) in enumerate(records) for _ in whens])
    whens = np.array([when for _, whens in records for when in whens], np.int64)

    cut = as_of(time, known_from(time, exact), offsets[of], offsets[of + 1], whens)
    rows, ends = cut.rows(time, whens)

    for place, (subject, when) in enumerate(zip(of, whens, strict=True)):
        start = offsets[subject]
        wanted = [start + i for i, t in enumerate(records[subject][0]) if is_known(t, int(when), exact)]
        assert rows[ends[place] : ends[place + 1]].tolist() == wanted
        timed = [int(time[row]) for row in wanted if time[row] != STATIC]
        assert (cut.n_events[place], cut.n_timed[place]) == (len(wanted), len(timed))
        assert cut.first_time(time)[place] == min(timed, default=STATIC)
        assert cut.last_time(time)[place] == max(timed, default=STATIC)


def cut_one(times: list[int], when: int, exact: bool = False) -> list[int]:
    """Times that are left of one subject."""
    time = np.array(times, np.int64)
    whens = np.array([when])
    known = known_from(time, exact)
    rows, _ = as_of(time, known, np.array([0]), np.array([len(times)]), whens).rows(time, whens)
    return time[rows].tolist()


def test_an_event_at_the_prediction_time_is_known_and_one_microsecond_later_is_not() -> None:
    noon = DAY // 2
    assert cut_one([noon - 1, noon, noon + 1], noon) == [noon - 1, noon]


def test_midnight_of_the_same_day_may_be_later_that_day_unless_times_are_exact() -> None:
    noon = DAY + DAY // 2
    assert cut_one([DAY - 1, DAY, DAY + 1], noon) == [DAY - 1, DAY + 1]
    assert cut_one([DAY - 1, DAY, DAY + 1], noon, exact=True) == [DAY - 1, DAY, DAY + 1]


def test_a_prediction_at_midnight_knows_all_of_the_day_before_and_nothing_of_its_own() -> None:
    assert cut_one([0, DAY // 2, DAY], DAY) == [0, DAY // 2]
    assert cut_one([0, DAY // 2, DAY], DAY, exact=True) == [0, DAY // 2, DAY]


def test_days_before_1970_begin_at_their_own_midnight() -> None:
    assert cut_one([-2 * DAY, -DAY, -DAY + 5], -DAY + 10) == [-2 * DAY, -DAY + 5]


def test_static_rows_are_known_before_anything_else_and_are_no_time() -> None:
    time = np.array([STATIC, STATIC, 5], np.int64)
    cut = as_of(time, known_from(time, False), np.array([0]), np.array([3]), np.array([-100 * DAY]))
    assert (cut.n_events[0], cut.n_timed[0], cut.last_time(time)[0]) == (2, 0, STATIC)


def test_rows_that_are_not_sorted_cannot_bring_in_the_future_unnoticed() -> None:
    time = np.array([50 * DAY, 1, 2, 3, 4], np.int64)
    when = np.array([DAY])
    cut = as_of(time, time, np.array([0]), np.array([5]), when)
    with pytest.raises(WardroundError, match="after the prediction time"):
        cut.rows(time, when)


known_histories = st.lists(
    st.one_of(st.none(), st.tuples(moments, st.sampled_from([0, 0, 1, DAY, DAY + 5, 3 * DAY, 365 * DAY]))),
    max_size=12,
).map(lambda rows: sorted((STATIC, 0) if row is None else row for row in rows))


@settings(max_examples=120, deadline=None)
@given(
    records=st.lists(st.tuples(known_histories, st.lists(moments, min_size=1, max_size=3)), min_size=1, max_size=6),
    kept=st.integers(1, 3),
)
def test_what_the_data_say_of_when_an_event_is_known_decides_alone(
    records: list[tuple[list[tuple[int, int]], list[int]]], kept: int
) -> None:
    time = np.array([t for rows, _ in records for t, _ in rows], np.int64)
    known = time + np.array([late for rows, _ in records for _, late in rows], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows, _ in records])]).astype(np.int64)
    of = np.array([subject for subject, (_, whens) in enumerate(records) for _ in whens])
    whens = np.array([when for _, whens in records for when in whens], np.int64)

    chosen = np.arange(len(of))[::kept]
    cut = as_of(time, known, offsets[of], offsets[of + 1], whens).take(chosen)
    rows, ends = cut.rows(time, whens[chosen])

    for place, record in enumerate(chosen):
        mine = range(offsets[of[record]], offsets[of[record] + 1])
        wanted = [row for row in mine if time[row] == STATIC or (time[row] <= whens[record] >= known[row])]
        assert rows[ends[place] : ends[place + 1]].tolist() == wanted
        timed = [int(time[row]) for row in wanted if time[row] != STATIC]
        assert (cut.n_events[place], cut.n_timed[place]) == (len(wanted), len(timed))
        assert cut.first_time(time)[place] == min(timed, default=STATIC)
        assert cut.last_time(time)[place] == max(timed, default=STATIC)
