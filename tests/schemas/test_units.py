from __future__ import annotations

import pytest

from schemas.units import parse_bytes, parse_seconds, parse_share


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("24GiB", 24 * 2**30),
        ("500MB", 500_000_000),
        ("1.5k", 1500),
        ("1024", 1024),
        (" 2 tib ", 2 * 2**40),
        ("7B", 7),
        (12, 12),
    ],
)
def test_sizes_are_powers_of_ten_or_with_an_i_of_two(said: object, meant: int) -> None:
    assert parse_bytes(said) == meant


@pytest.mark.parametrize("said", ["", "-1", "1e9", "GiB", "1 PB", "1,5 GB", "iB1"])
def test_what_is_no_size_says_how_to_write_one(said: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write 24GiB"):
        parse_bytes(said)


@pytest.mark.parametrize(
    ("said", "meant"), [("5%", 0.05), ("0.05", 0.05), (".5", 0.5), ("100 %", 1.0), (0.3, 0.3), (1, 1), (True, True)]
)
def test_shares_are_of_one(said: object, meant: float) -> None:
    assert parse_share(said) == meant


@pytest.mark.parametrize("said", ["5", 5, 5.0])
def test_a_share_above_one_is_taken_for_a_forgotten_percent(said: object) -> None:
    with pytest.raises(ValueError, match=r"5 is more than all of them; write 5% or 0\.05"):
        parse_share(said)


@pytest.mark.parametrize("said", ["five", "", "-1%", "5%%", "1.2.3"])
def test_what_is_no_share_says_how_to_write_one(said: str) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        parse_share(said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("2min", 120.0), ("2 h", 7200.0), ("250ms", 0.25), (3, 3)],
)
def test_durations_are_seconds(said: object, meant: float) -> None:
    assert parse_seconds(said) == meant


@pytest.mark.parametrize("said", ["", "1d", "-5s", "1h30m", "soon"])
def test_what_is_no_duration_says_how_to_write_one(said: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_seconds(said)
