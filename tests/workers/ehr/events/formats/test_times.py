"""Two records: three events with one static and a day between the others; none; two static ones only."""

from __future__ import annotations

import numpy as np
import pytest

from workers.ehr.events.contract import STATIC
from workers.ehr.events.formats.times import DAY_US, Timeline

HOUR = DAY_US // 24
AT = 10 * DAY_US


@pytest.fixture
def timeline() -> Timeline:
    time = [STATIC, 2 * DAY_US, 3 * DAY_US + 6 * HOUR, STATIC, STATIC]
    return Timeline(np.array([3, 0, 2]), np.array(time), np.array([AT, AT, AT]))


def test_days_between_events_start_anew_with_each_record_and_behind_static_ones(timeline: Timeline) -> None:
    assert timeline.delta().tolist() == [0, 0, 1.25, 0, 0]


def test_days_before_the_prediction_of_static_events_are_those_of_the_first_timed_one(timeline: Timeline) -> None:
    assert timeline.ago().tolist() == [8, 8, 6.75, 0, 0]


def test_an_age_is_never_below_zero_and_unknown_without_a_birth(timeline: Timeline) -> None:
    ages = timeline.age(np.array([3 * DAY_US, 0, STATIC]))
    assert ages[:3].tolist() == [0, 0, 0.25]
    assert np.isnan(ages[3:]).all()


def test_recent_is_up_to_so_many_days_before_and_what_is_static(timeline: Timeline) -> None:
    assert timeline.recent(8).tolist() == [True, True, True, True, True]
    assert timeline.recent(7.9).tolist() == [True, False, True, True, True]


def test_events_with_a_flag_are_counted_by_record(timeline: Timeline) -> None:
    assert timeline.count(np.array([True, False, True, True, False])).tolist() == [2, 0, 1]


def test_visits_are_numbered_within_their_record() -> None:
    time = np.array([STATIC, STATIC, 5 * HOUR, 5 * HOUR, 7 * HOUR, DAY_US, 5 * HOUR])
    timeline = Timeline(np.array([6, 1]), time, np.array([AT, AT]))
    assert timeline.visits("time").tolist() == [0, 0, 1, 1, 2, 3, 0]
    assert timeline.visits("day").tolist() == [0, 0, 1, 1, 1, 2, 0]


def test_only_what_is_kept_counts(timeline: Timeline) -> None:
    kept = timeline.take(np.array([2, 4]), np.array([1, 0, 1]))
    assert kept.delta().tolist() == [0, 0]
    assert kept.ago().tolist() == [6.75, 0]


def test_no_events_at_all_are_no_error() -> None:
    empty = Timeline(np.zeros(2, np.int64), np.zeros(0, np.int64), np.array([AT, AT]))
    for found in (empty.delta(), empty.ago(), empty.recent(1), empty.visits("day"), empty.age(np.zeros(2, np.int64))):
        assert len(found) == 0
    assert empty.count(np.zeros(0, np.bool_)).tolist() == [0, 0]
