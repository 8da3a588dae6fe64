from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from workers.ehr.convert_omop.values import date_of, moments, number, said, text, whole

DAY_OF = datetime(2020, 5, 3)
AT = datetime(2020, 5, 3, 10, 15)


@pytest.mark.parametrize(
    ("words", "time", "offset", "precision"),
    [
        ("2020-05-03", DAY_OF, None, "day"),
        ("20200503", DAY_OF, None, "day"),
        ("2020-05-03 00:00:00", DAY_OF, None, "midnight"),
        ("2020-05-03 00:00:00 UTC", DAY_OF, 0, "midnight"),
        ("2020-05-03 10:15:00", AT, None, None),
        (" 2020-05-03T10:15 ", AT, None, None),
        ("2020-05-03  10:15", AT, None, None),
        ("2020-05-03 10:15:00.25", AT.replace(microsecond=250_000), None, None),
        ("2020-05-03T10:15:00Z", AT, 0, None),
        ("2020-05-03 10:15:00 UTC", AT, 0, None),
        ("2020-05-03 10:15:00.5 utc", AT.replace(microsecond=500_000), 0, None),
        ("2020-05-03 10:15 UTC", AT, 0, None),
        ("2020-05-03T10:15Z", AT, 0, None),
        ("2020-05-03 10:15+02", AT, 120, None),
        ("2020-05-03T10:15-0330", AT, -210, None),
        ("2020-05-03 10:15:00+02:00", AT, 120, None),
        ("2020-05-03 10:15:00 -0500", AT, -300, None),
        ("2020-05-03 10:15:00.5-05", AT.replace(microsecond=500_000), -300, None),
        ("2020-05-03 10:15:00 EST", None, None, None),
        ("2020-02-30", None, None, None),
        ("yesterday", None, None, None),
        ("", None, None, None),
        (None, None, None, None),
    ],
)
def test_times_as_text_are_what_the_clock_showed_and_its_offset(
    words: str | None, time: datetime | None, offset: int | None, precision: str | None
) -> None:
    assert moments(pl.Series([words], dtype=pl.String)).rows() == [(time, offset, precision)]


def test_typed_times_keep_their_moment() -> None:
    instant = datetime(2020, 7, 1, 12)
    assert moments(pl.Series([date(2020, 7, 1)])).rows() == [(datetime(2020, 7, 1), None, "day")]
    assert moments(pl.Series([instant]).cast(pl.Datetime("ns"))).rows() == [(instant, None, None)]
    zoned = pl.Series([instant]).dt.replace_time_zone("America/New_York")
    assert moments(zoned).rows() == [(datetime(2020, 7, 1, 16), 0, None)]
    assert moments(pl.Series([5])).rows() == [(None, None, None)]


@pytest.mark.parametrize("word", ["NULL", "null", r"\N", "(null)", "<NA>", " NULL "])
def test_a_databases_word_for_null_is_null_in_every_column(word: str) -> None:
    column = pl.Series([word, "x"])
    assert said(column).to_list() == said(column, is_text=True).to_list() == [None, "x"]


@pytest.mark.parametrize("word", ["NA", "N/A", "NaN", "NaT", "None", "", "."])
def test_what_programs_write_for_a_missing_number_or_time_is_a_word_in_a_text(word: str) -> None:
    column = pl.Series([word, "7"])
    assert said(column).to_list() == [None, "7"]
    assert said(column, is_text=True).to_list() == [word, "7"]


def test_what_is_no_text_says_what_it_is() -> None:
    assert said(pl.Series([1, None])).to_list() == [1, None]


def test_whole_numbers_are_whole_or_nothing() -> None:
    words = ["7", " 8 ", "9.0", "9.5", "x", "", None, "1e3", "9007199254740993", "99999999999999999999"]
    assert whole(pl.Series(words)).to_list() == [7, 8, 9, None, None, None, None, 1000, 9007199254740993, None]
    assert whole(pl.Series([1.0, 2.5, float("nan"), None])).to_list() == [1, None, None, None]
    assert whole(pl.Series([True])).to_list() == [None]


def test_numbers_fit_float32_or_are_nothing() -> None:
    assert number(pl.Series(["1.5", "1e60", "nan", "<5", None])).to_list() == [1.5, None, None, None, None]
    assert number(pl.Series([1, None])).to_list() == [1.0, None]


def test_empty_text_is_nothing() -> None:
    assert text(pl.Series(["", "a", None])).to_list() == [None, "a", None]


def test_a_date_of_parts_begins_where_they_end() -> None:
    year, month, day = pl.Series([1950, 1961, 1970, None]), pl.Series([5, None, 2, 1]), pl.Series([3, None, 30, 1])
    assert date_of(year, month, day).rows() == [
        (datetime(1950, 5, 3), None, "day"),
        (datetime(1961, 1, 1), None, "year"),
        (None, None, None),
        (None, None, None),
    ]
    known = date_of(pl.Series([1950]), pl.Series([5]), pl.Series([None], dtype=pl.Int64))
    assert known.rows() == [(datetime(1950, 5, 1), None, "month")]
