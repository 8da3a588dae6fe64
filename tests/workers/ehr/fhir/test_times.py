from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workers.ehr.fhir.times import parse_time


@pytest.mark.parametrize(
    ("text", "wall", "offset", "precision"),
    [
        ("2020", datetime(2020, 1, 1), None, "year"),
        ("2020-05", datetime(2020, 5, 1), None, "month"),
        ("2020-05-03", datetime(2020, 5, 3), None, "day"),
        ("2020-05-03T10:15:00Z", datetime(2020, 5, 3, 10, 15), 0, None),
        ("2020-05-03T10:15:00.123456789Z", datetime(2020, 5, 3, 10, 15, 0, 123456), 0, None),
        ("2020-05-03T10:15:00+05:30", datetime(2020, 5, 3, 10, 15), 330, None),
        ("2020-05-03T23:15:00-05:00", datetime(2020, 5, 3, 23, 15), -300, None),
        ("2020-05-03T00:00:00-05:00", datetime(2020, 5, 3), -300, "midnight"),
        ("2020-05-03T00:00:00.000Z", datetime(2020, 5, 3), 0, "midnight"),
        ("2020-05-03T00:00:01Z", datetime(2020, 5, 3, 0, 0, 1), 0, None),
        ("2020-05-03T10:15", datetime(2020, 5, 3, 10, 15), None, None),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1), 0, "midnight"),
        ("1879-03-14T11:30:00+00:53", datetime(1879, 3, 14, 11, 30), 53, None),
        ("0001-01-01", datetime(1, 1, 1), None, "day"),
    ],
)
def test_a_time_is_what_the_clock_showed_its_offset_and_how_precise_it_is(
    text: str, wall: datetime, offset: int | None, precision: str | None
) -> None:
    found = parse_time(text)
    assert found is not None
    assert (found.offset, found.precision) == (offset, precision)
    seconds, rest = divmod(found.wall, 1_000_000)
    assert (wall.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1 == seconds
    assert wall.microsecond == rest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20200503",
        "2020-13",
        "2020-02-30",
        "03.05.2020",
        "2020-05-03 10:15:00",
        "2020-05-03T25:00:00Z",
        "2020-W01-1",
        "2020-05-03T10:15:00+15:00",
        "2020-05-03T10:15:00+05:75",
        "2020-05-03Z",
        "٢٠٢٠",
        "2020-05-03T10:15:00z",
        "0000",
    ],
)
def test_what_fhir_does_not_call_a_time_is_none(text: str) -> None:
    assert parse_time(text) is None
