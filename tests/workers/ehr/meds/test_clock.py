"""From a source's clock to UTC: offsets, zones, nights in which clocks are changed, days of no known zone."""

from datetime import datetime as at
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.ehr.meds.clock import ANYWHERE, NEAREST, OFFSET, ONE_CLOCK, ZONE, is_zone, to_utc

Said = tuple[at | None, int | None, str | None]
SCHEMA = {
    "subject": pl.String,
    "time": pl.Datetime("us"),
    "offset": pl.Int16,
    "precision": pl.String,
    "end": pl.Datetime("us"),
    "end_offset": pl.Int16,
}


def resolved(*said: Said, zone: str | None = None, end: tuple[at | None, int | None] = (None, None)) -> list[Any]:
    """(time, known_at, clock) of events of one subject."""
    frame = pl.DataFrame([("a", *one, *end) for one in said], schema=SCHEMA, orient="row")
    return to_utc(frame, zone).select("time", "known_at", "clock").rows()


DAY = (at(2024, 3, 5), None, "day")


def test_a_time_with_an_offset_is_that_moment_and_has_nothing_to_add() -> None:
    assert resolved((at(2024, 3, 5, 19, 30), -300, None)) == [(at(2024, 3, 6, 0, 30), None, OFFSET)]


def test_a_date_takes_the_offset_of_the_nearest_time_of_its_subject() -> None:
    (_, day) = resolved((at(2024, 3, 6, 8), 660, None), DAY)
    assert day == (at(2024, 3, 4, 13), at(2024, 3, 5, 13), NEAREST)
    winter, summer = (at(2024, 1, 1, 8), 60, None), (at(2024, 7, 1, 8), 120, None)
    assert resolved(winter, summer, (at(2024, 6, 5), None, "day"))[-1][0] == at(2024, 6, 4, 22)


def test_where_all_times_are_of_offset_zero_a_day_is_known_once_it_has_ended_everywhere() -> None:
    assert resolved((at(2024, 3, 5, 8), 0, None), DAY)[-1] == (at(2024, 3, 5), at(2024, 3, 6, 12), ANYWHERE)


def test_without_any_offset_all_are_of_one_clock() -> None:
    assert resolved((at(2024, 3, 5, 8), None, None), DAY) == [
        (at(2024, 3, 5, 8), None, ONE_CLOCK),
        (at(2024, 3, 5), at(2024, 3, 6), ONE_CLOCK),
    ]


def test_another_subject_has_another_clock() -> None:
    rows = [("a", at(2024, 3, 5, 8), 60, None, None, None), ("b", *DAY, None, None)]
    found = to_utc(pl.DataFrame(rows, schema=SCHEMA, orient="row"), None)
    assert found.select("time", "clock").rows()[1] == (at(2024, 3, 5), ONE_CLOCK)


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        (at(2024, 3, 10), at(2024, 3, 10, 5), at(2024, 3, 11, 4)),
        (at(2024, 11, 3), at(2024, 11, 3, 4), at(2024, 11, 4, 5)),
        (at(2024, 7, 4), at(2024, 7, 4, 4), at(2024, 7, 5, 4)),
    ],
)
def test_a_day_of_a_zone_is_as_long_as_it_was_there(day: at, start: at, end: at) -> None:
    assert resolved((day, None, "day"), zone="America/New_York") == [(start, end, ZONE)]


def test_a_time_that_comes_twice_in_a_night_is_the_later_and_a_skipped_one_goes_on_from_before() -> None:
    twice, skipped = (at(2024, 11, 3, 1, 30), None, None), (at(2024, 3, 10, 2, 30), None, None)
    found = resolved(twice, skipped, zone="America/New_York")
    assert [row[0] for row in found] == [at(2024, 11, 3, 6, 30), at(2024, 3, 10, 7, 30)]


def test_a_day_whose_midnight_is_skipped_starts_with_its_first_moment() -> None:
    # Clocks in Beirut went from 00:00 to 01:00 on 31 March 2024.
    assert resolved((at(2024, 3, 31), None, "day"), zone="Asia/Beirut")[0][:2] == (
        at(2024, 3, 30, 22),
        at(2024, 3, 31, 21),
    )


@pytest.mark.parametrize("said", [(at(2024, 3, 5, 5), 0, None), (at(2024, 3, 5), -300, "midnight")])
def test_midnight_of_the_zone_may_stand_for_its_day_however_it_is_written(said: Said) -> None:
    assert resolved(said, zone="America/New_York")[0][:2] == (at(2024, 3, 5, 5), at(2024, 3, 6, 5))


def test_a_date_written_as_midnight_of_utc_is_known_when_it_has_ended_in_the_zone() -> None:
    said = (at(2024, 3, 5), 0, "midnight")
    assert resolved(said, zone="America/New_York")[0][:2] == (at(2024, 3, 5), at(2024, 3, 6, 5))


def test_partial_dates_are_known_when_their_month_or_year_has_ended() -> None:
    found = resolved((at(2024, 2, 1), None, "month"), (at(2024, 1, 1), None, "year"))
    assert [row[1] for row in found] == [at(2024, 3, 1), at(2025, 1, 1)]


def test_an_end_has_a_clock_of_its_own_and_static_events_have_none() -> None:
    frame = pl.DataFrame(
        [("a", at(2024, 3, 5, 8), 60, None, at(2024, 3, 5, 9), 120), ("a", None, None, None, None, None)],
        schema=SCHEMA,
        orient="row",
    )
    assert to_utc(frame, None)["end"].to_list() == [at(2024, 3, 5, 7), None]
    assert to_utc(frame, "Europe/Berlin").select("time", "known_at", "clock").row(1) == (None, None, None)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.datetimes(at(2020, 1, 1), at(2021, 1, 1)),
            st.none() | st.integers(-56, 56).map(lambda quarter: quarter * 15),
            st.sampled_from([None, "day", "midnight", "month"]),
        ),
        max_size=6,
    ),
    st.sampled_from([None, "UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_nothing_is_known_before_it_began_and_order_and_number_of_rows_stay(said: list[Said], zone: str | None) -> None:
    found = resolved(*said, zone=zone)
    assert len(found) == len(said)
    assert all(time is not None and (known is None or known > time) for time, known, _ in found)
    assert [known is not None for _, known, _ in found if zone is None] == [
        precision is not None for *_, precision in said if zone is None
    ]


@pytest.mark.parametrize(
    ("name", "there"), [("Europe/Berlin", True), ("UTC", True), ("Europe/Berlim", False), ("", False)]
)
def test_zones_are_those_of_the_database(name: str, there: bool) -> None:
    assert is_zone(name) is there
