from __future__ import annotations

import pytest

from workers.ehr.aces.bounds import RECORD_END, RECORD_START, Bound, parse_end, parse_start

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("trigger", Bound("trigger")),
        (" gap.end + 24h ", Bound("gap.end", shift=24 * HOUR)),
        ("start - 1 day", Bound("start", shift=-24 * HOUR, forward=False)),
        ("start -> discharge", Bound("start", event="discharge")),
        ("end <- admission", Bound("end", event="admission", forward=False)),
        ("end <- _RECORD_START", Bound("end", event=RECORD_START, forward=False)),
    ],
)
def test_an_end_of_a_window_says_from_where_and_how_far(text: str, bound: Bound) -> None:
    assert parse_start(text) == bound
    assert parse_end(text) == bound


def test_null_is_the_beginning_or_the_end_of_the_record() -> None:
    assert parse_start(None) == Bound("end", event=RECORD_START, forward=False)
    assert parse_end(None) == Bound("start", event=RECORD_END, forward=True)


def test_only_what_neither_shifts_nor_looks_for_an_event_is_the_same_point() -> None:
    assert parse_start("trigger").is_same
    assert parse_start("trigger + 0h").is_same
    assert not parse_start("trigger + 1h").is_same
    assert not parse_start("trigger -> x").is_same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start -> a <- b", "has both '->' and '<-'"),
        ("start + 1h - 2h", r"has both '\+' and '-'"),
        ("start + 1h + 2h", r"has '\+' more than once"),
        ("start -> a b", "'a b' is no name of a predicate"),
        ("start -> _RECORD_START", "no record goes that way"),
        ("end <- _RECORD_END", "no record goes that way"),
        ("gap.middle", "is neither trigger, start, end"),
        ("", "is neither trigger, start, end"),
        ("+ 1h", "is neither trigger, start, end"),
    ],
)
def test_what_is_no_end_of_a_window_says_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_start(text)
