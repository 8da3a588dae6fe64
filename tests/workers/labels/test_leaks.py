"""Columns that tell the truth are found; those that only go with it, or that nobody else shares, are not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.labels.leaks import FEWEST, LEAST, leaks

ROWS = 200


def truth(seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(ROWS) < 0.3).astype(np.float64)


def found(
    truths: np.ndarray, column: list[object] | np.ndarray | pl.Series, classes: int = 2, rows_each: int = 1
) -> list[float]:
    persons = pl.Series([f"p{row // rows_each}" for row in range(len(truths))])
    columns = {"side": pl.Series("side", column)}
    return [leak.value for leak in leaks(pl.Series(truths), classes, columns, persons)]


@pytest.mark.parametrize("made", ["copy", "words", "turned", "number", "site", "missing"])
def test_a_column_that_is_made_of_the_truth_is_named(made: str) -> None:
    sick, chance = truth(), np.random.default_rng(1)
    columns = {
        "copy": sick,
        "words": np.where(sick == 1, "yes", "no"),
        "turned": 1 - sick,
        "number": chance.normal(size=ROWS) - 20 * sick,
        "site": np.where(sick == 1, chance.choice(["A", "B"], ROWS), chance.choice(["C", "D"], ROWS)),
        "missing": pl.Series([f"biopsy {row}" if one else None for row, one in enumerate(sick)]),
    }
    (value,) = found(sick, columns[made])
    assert value >= LEAST


@pytest.mark.parametrize("kind", ["chance", "constant", "nothing", "id", "strong"])
def test_other_columns_are_not(kind: str) -> None:
    sick, chance = truth(), np.random.default_rng(1)
    columns = {
        "chance": chance.choice(["F", "M"], ROWS),
        "constant": ["x"] * ROWS,
        "nothing": pl.Series([None] * ROWS, dtype=pl.String),
        "id": [f"study {number}" for number in chance.permutation(ROWS)],
        "strong": chance.normal(size=ROWS) + 2 * sick,
    }
    assert found(sick, columns[kind]) == []


def test_an_id_of_a_person_with_several_rows_is_no_leak_but_one_of_several_persons_is() -> None:
    sick = np.repeat(truth()[: ROWS // 4], 4)
    assert found(sick, [f"study {row // 4}" for row in range(ROWS)], rows_each=4) == []
    assert len(found(sick, [f"study {row // 4}" for row in range(ROWS)], rows_each=1)) == 1


def test_classes_are_each_against_the_rest_and_numbers_by_their_ranks() -> None:
    grade = np.arange(ROWS) % 3
    assert found(grade.astype(float), np.array(["none", "mild", "severe"])[grade], 3)[0] >= LEAST
    assert found(grade.astype(float), np.where(grade == 2, "severe", "other"), 3) == []
    size = np.random.default_rng(2).normal(size=ROWS)
    assert found(size, np.exp(size), 0)[0] == pytest.approx(1)
    assert found(size, size + np.random.default_rng(3).normal(size=ROWS), 0) == []


def test_of_few_rows_nothing_is_told() -> None:
    sick = np.repeat([1.0, 0.0], FEWEST)
    assert len(found(sick, sick)) == 1
    assert found(sick[1:], sick[1:]) == []


def test_what_is_not_known_does_not_count() -> None:
    sick = pl.Series(truth()).set(pl.Series(np.arange(ROWS) % 4 == 0), None)
    copied = sick.fill_null(1)
    persons = pl.Series([None] * ROWS, dtype=pl.String)
    assert [leak.column for leak in leaks(sick, 2, {"side": copied}, persons)] == ["side"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_chance_alone_is_never_named(seed: int, values: int) -> None:
    chance = np.random.default_rng(seed)
    assert found(truth(seed), chance.integers(0, values, ROWS)) == []


@pytest.mark.parametrize("kind", ["category", "duration"])
def test_columns_that_polars_makes_no_number_of_are_looked_at_too(kind: str) -> None:
    sick = truth()
    words = pl.Series(["yes" if one else "no" for one in sick], dtype=pl.Categorical)
    assert found(sick, words if kind == "category" else pl.Series(sick.astype(np.int64)).cast(pl.Duration)) == [1.0]


def test_columns_of_bytes_are_left_out() -> None:
    sick = truth()
    assert found(sick, pl.Series([b"\xff" if one else b"\xfe" for one in sick])) == []
