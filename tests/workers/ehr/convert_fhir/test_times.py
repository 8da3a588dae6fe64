from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workers.ehr.convert_fhir.times import parse_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020", datetime(2020, 1, 1)),
        ("2020-05", datetime(2020, 5, 1)),
        ("2020-05-03", datetime(2020, 5, 3)),
        ("2020-05-03T10:15:00Z", datetime(2020, 5, 3, 10, 15)),
        ("2020-05-03T10:15:00.123456789Z", datetime(2020, 5, 3, 10, 15, 0, 123456)),
        ("2020-05-03T10:15:00+05:30", datetime(2020, 5, 3, 4, 45)),
        ("2020-05-03T23:15:00-05:00", datetime(2020, 5, 4, 4, 15)),
        ("2020-05-03T10:15", datetime(2020, 5, 3, 10, 15)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1)),
        ("1879-03-14T11:30:00+00:53", datetime(1879, 3, 14, 10, 37)),
        ("0001-01-01", datetime(1, 1, 1)),
    ],
)
def test_a_time_is_its_first_moment_in_utc(text: str, moment: datetime) -> None:
    found = parse_time(text)
    assert found is not None
    seconds, rest = divmod(found, 1_000_000)
    assert (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1 == seconds
    assert moment.microsecond == rest


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
