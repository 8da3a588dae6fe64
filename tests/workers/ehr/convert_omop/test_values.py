from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from workers.ehr.convert_omop.values import date_of, moment, number, text, whole


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2020-05-03", datetime(2020, 5, 3)),
        ("20200503", datetime(2020, 5, 3)),
        ("2020-05-03 10:15:00", datetime(2020, 5, 3, 10, 15)),
        (" 2020-05-03T10:15 ", datetime(2020, 5, 3, 10, 15)),
        ("2020-05-03 10:15:00.25", datetime(2020, 5, 3, 10, 15, 0, 250_000)),
        ("2020-05-03T10:15:00Z", datetime(2020, 5, 3, 10, 15)),
        ("2020-05-03 10:15:00+02:00", datetime(2020, 5, 3, 8, 15)),
        ("2020-05-03 10:15:00.5-05", datetime(2020, 5, 3, 15, 15, 0, 500_000)),
        ("2020-02-30", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_as_text_are_utc_or_nothing(said: str | None, meant: datetime | None) -> None:
    assert moment(pl.Series([said], dtype=pl.String)).to_list() == [meant]


def test_typed_times_keep_their_moment() -> None:
    instant = datetime(2020, 7, 1, 12)
    assert moment(pl.Series([date(2020, 7, 1)])).to_list() == [datetime(2020, 7, 1)]
    assert moment(pl.Series([instant]).cast(pl.Datetime("ns"))).to_list() == [instant]
    zoned = pl.Series([instant]).dt.replace_time_zone("America/New_York")
    assert moment(zoned).to_list() == [datetime(2020, 7, 1, 16)]
    assert moment(pl.Series([5])).to_list() == [None]


def test_whole_numbers_are_whole_or_nothing() -> None:
    said = ["7", " 8 ", "9.0", "9.5", "x", "", None, "1e3", "9007199254740993", "99999999999999999999"]
    assert whole(pl.Series(said)).to_list() == [7, 8, 9, None, None, None, None, 1000, 9007199254740993, None]
    assert whole(pl.Series([1.0, 2.5, float("nan"), None])).to_list() == [1, None, None, None]
    assert whole(pl.Series([True])).to_list() == [None]


def test_numbers_fit_float32_or_are_nothing() -> None:
    assert number(pl.Series(["1.5", "1e60", "nan", "<5", None])).to_list() == [1.5, None, None, None, None]
    assert number(pl.Series([1, None])).to_list() == [1.0, None]


def test_empty_text_is_nothing() -> None:
    assert text(pl.Series(["", "a", None])).to_list() == [None, "a", None]


def test_a_date_of_parts_begins_where_they_end() -> None:
    year, month, day = pl.Series([1950, 1961, 1970, None]), pl.Series([5, None, 2, 1]), pl.Series([3, None, 30, 1])
    assert date_of(year, month, day).to_list() == [datetime(1950, 5, 3), datetime(1961, 1, 1), None, None]
