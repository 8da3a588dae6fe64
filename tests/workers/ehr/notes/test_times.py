from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from workers.ehr.notes.times import column_times, parse_time


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2024-01-31", micros(2024, 1, 31)),
        ("20240131", micros(2024, 1, 31)),
        (" 2024-01-31T10:15 ", micros(2024, 1, 31, 10, 15)),
        ("2024-01-31T10:15:00+02:00", micros(2024, 1, 31, 8, 15)),
        ("2024-01-31T10:15:00Z", micros(2024, 1, 31, 10, 15)),
        ("2024-W05-3", micros(2024, 1, 31)),
        ("1969-12-31T23:59:59.999999", -1),
    ],
)
def test_a_time_with_a_zone_becomes_utc_and_one_without_stays(said: str, meant: int) -> None:
    assert parse_time(said) == meant


@pytest.mark.parametrize(
    "said",
    ["2024", "2024-01", "2024-W05", "2024W05T10:00", "2024-02-30", "31.01.2024", "", "0001-01-01T00:00:00+14:00"],
)
def test_no_part_of_a_time_is_made_up(said: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_time(said)


def test_a_layout_of_the_spec_is_the_only_one_read() -> None:
    assert parse_time("31.01.2024 10:15", "%d.%m.%Y %H:%M") == micros(2024, 1, 31, 10, 15)
    with pytest.raises(ValueError, match="does not match"):
        parse_time("2024-01-31", "%d.%m.%Y")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_columns_of_every_unit_give_microseconds(unit: str) -> None:
    column = pa.array([datetime(2024, 1, 31, 10), None], pa.timestamp(unit))
    found = column_times(column)
    assert found is not None
    assert found.to_pylist() == [micros(2024, 1, 31, 10), None]


def test_zones_and_dates_of_arrow_are_moments_in_utc() -> None:
    zoned = pa.array([datetime(2024, 7, 1, 12, tzinfo=UTC)], pa.timestamp("ms", "America/New_York"))
    assert column_times(zoned) == pa.array([micros(2024, 7, 1, 12)])
    assert column_times(pa.array([date(2024, 7, 1)])) == pa.array([micros(2024, 7, 1)])
    assert column_times(pa.array(["2024-07-01"])) is None


def test_what_microseconds_cannot_hold_is_null_and_parts_of_one_are_cut_off() -> None:
    assert column_times(pa.array([2**62, 1], pa.timestamp("s"))) == pa.array([None, 1_000_000])
    assert column_times(pa.array([1_999], pa.timestamp("ns"))) == pa.array([1])
