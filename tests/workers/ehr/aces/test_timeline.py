"""Positions and counts on the times of several subjects, against what a loop over the same times finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ehr.aces.bounds import ANY_EVENT, RECORD_END, RECORD_START
from workers.ehr.aces.timeline import Timeline

# Subject 1 at 10, 20, 30; subject 2 at 10; subject 3 at 5, 30.
SUBJECTS = np.array([1, 1, 1, 2, 3, 3])
TIMES = np.array([10, 20, 30, 10, 5, 30])
A = np.array([0, 2, 1, 0, 3, 0])


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(SUBJECTS, TIMES, {"a": A})


def test_each_time_knows_the_segment_of_its_subject(timeline: Timeline) -> None:
    assert timeline.first.tolist() == [0, 0, 0, 3, 4, 4]
    assert timeline.last.tolist() == [3, 3, 3, 4, 6, 6]


def test_a_record_starts_and_ends_once_a_subject_and_any_event_is_always(timeline: Timeline) -> None:
    assert timeline.holds(RECORD_START).tolist() == [True, False, False, True, True, False]
    assert timeline.holds(RECORD_END).tolist() == [False, False, True, True, False, True]
    assert timeline.holds(ANY_EVENT).all()
    assert timeline.holds("a").tolist() == [False, True, True, False, True, False]


def test_a_time_goes_in_before_or_after_an_equal_one_and_never_leaves_its_segment(timeline: Timeline) -> None:
    first, last = timeline.first, timeline.last
    wanted = np.array([20, 5, 99, 10, 30, 6])
    assert timeline.position(first, last, wanted, "left").tolist() == [1, 0, 3, 3, 5, 5]
    assert timeline.position(first, last, wanted, "right").tolist() == [2, 0, 3, 4, 6, 5]


def test_a_count_is_of_the_events_from_start_up_to_stop_and_of_none_where_stop_comes_first(timeline: Timeline) -> None:
    start, stop = np.array([0, 1, 2, 2, 4]), np.array([3, 2, 2, 0, 6])
    assert timeline.count("a", start, stop).tolist() == [3, 2, 0, 0, 3]


def test_the_next_and_the_previous_time_of_a_predicate_are_found_or_said_to_lie_outside(timeline: Timeline) -> None:
    assert timeline.next("a", np.array([0, 1, 2, 3, 5, 6])).tolist() == [1, 1, 2, 4, 6, 6]
    assert timeline.previous("a", np.array([0, 1, 2, 3, 5, 6])).tolist() == [-1, -1, 1, 2, 4, 4]


def test_no_times_at_all_are_no_segments() -> None:
    none = np.zeros(0, np.int64)
    empty = Timeline(none, none, {"a": none})
    assert empty.first.tolist() == empty.last.tolist() == []
    assert not empty.holds(RECORD_END).any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True), min_size=1, max_size=4), st.data())
def test_positions_are_those_of_a_search_in_each_subjects_own_times(
    records: list[list[int]], data: st.DataObject
) -> None:
    records = [sorted(times) for times in records]
    subjects = np.repeat(np.arange(len(records)), [len(times) for times in records])
    timeline = Timeline(subjects, np.concatenate([np.array(times) for times in records]), {})
    wanted = np.array([data.draw(st.integers(-1, 21)) for _ in subjects])
    starts = np.cumsum([0, *(len(times) for times in records)])
    for side in ("left", "right"):
        expected = [starts[s] + np.searchsorted(records[s], t, side) for s, t in zip(subjects, wanted, strict=True)]
        assert timeline.position(timeline.first, timeline.last, wanted, side).tolist() == expected
