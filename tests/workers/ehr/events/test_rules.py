"""Prediction times by a rule."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from schemas.status import Status
from workers.ehr.events.asof import DAY, known_from
from workers.ehr.events.contract import STATIC
from workers.ehr.events.fetching import SubjectRows
from workers.ehr.events.rules import prediction_times
from workers.ehr.events.settings import TaskInput

NAMES = ("ENCOUNTER_END", "ENCOUNTER_END//IP", "ENCOUNTER_ENDED", "LAB", "X//ENCOUNTER_END")


def rows_of(*subjects: list[tuple[int, str]], exact: bool = True) -> SubjectRows:
    """(time, code) of each subject."""
    flat = [event for events in subjects for event in events]
    times = np.array([time for time, _ in flat], np.int64)
    return SubjectRows(
        np.cumsum([0, *map(len, subjects)]),
        NAMES,
        np.array([NAMES.index(code) for _, code in flat], np.int32),
        times,
        known_from(times, exact),
        np.full(len(flat), np.nan, np.float32),
    )


def found(rows: SubjectRows, task: TaskInput) -> list[tuple[int, int]]:
    of, times = prediction_times(rows, task)
    return list(zip(of.tolist(), times.tolist(), strict=True))


def test_a_code_counts_whole_or_before_two_slashes_and_a_time_once() -> None:
    rows = rows_of(
        [(STATIC, "ENCOUNTER_END"), (1, "ENCOUNTER_END//IP"), (2, "ENCOUNTER_ENDED"), (3, "X//ENCOUNTER_END")],
        [],
        [(5, "LAB"), (7, "ENCOUNTER_END"), (7, "ENCOUNTER_END//IP"), (8, "ENCOUNTER_END")],
    )
    assert found(rows, TaskInput(every="visit_end")) == [(0, 1), (2, 7), (2, 8)]
    assert found(rows, TaskInput(every="visit_end", codes=("LAB",))) == [(2, 5)]


def test_a_minimum_of_history_is_counted_after_the_cut_and_static_rows_are_none() -> None:
    subjects = (
        [(STATIC, "LAB"), (2 * DAY, "LAB"), (2 * DAY + 5, "ENCOUNTER_END")],
        [(0, "LAB"), (2 * DAY + 5, "ENCOUNTER_END")],
    )
    rows = rows_of(*subjects)
    whens = [(0, 2 * DAY + 5), (1, 2 * DAY + 5)]
    assert found(rows, TaskInput(every="visit_end", min_events=2)) == whens
    # Midnight of its own day does not count where times may be days.
    assert found(rows_of(*subjects, exact=False), TaskInput(every="visit_end", min_events=2)) == whens[1:]
    assert found(rows, TaskInput(every="visit_end", min_events=3)) == []


def test_a_minimum_of_days_is_reached_on_the_day_itself() -> None:
    rows = rows_of([(0, "LAB")], [(1, "LAB")], [(STATIC, "LAB")], [])
    at = datetime(1970, 1, 11)
    assert found(rows, TaskInput(at=at, min_days=10)) == [(0, 10 * DAY)]
    assert found(rows, TaskInput(at=at, min_events=1)) == [(0, 10 * DAY), (1, 10 * DAY)]


def test_a_fixed_time_is_not_predicted_for_a_subject_that_could_not_be_read() -> None:
    rows = rows_of([(0, "LAB")], [])
    rows.faults[1] = (Status.UNREADABLE, "its data file is damaged")
    assert found(rows, TaskInput(at=datetime(1970, 1, 2))) == [(0, DAY)]
