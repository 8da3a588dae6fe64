"""What rows come to is the same however they were cut into shards."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import VerificationError
from schemas.figures import FIGURES_KEY, NO_ROWS, Figures, Parts
from schemas.numbers import BINS, Items, Numbers
from schemas.rows import OutputColumn, row_schema
from workers.finished_runs.figures import figures_in, figures_of, numbers_of

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


def column(name: str, kind: str = "float64", model: str = "m", output: str | None = None) -> OutputColumn:
    return OutputColumn(name=name, type=kind, meaning="m", model=model, output=name if output is None else output)


COLUMNS = (
    column("bad__status", "string", "bad", ""),
    column("bad__score", "float32", "bad", "score"),
    column("label", "string"),
    column("flag", "bool"),
    column("found", "list<string>"),
    column("vector", "list<float32>"),
    column("mask", "object<png>"),
)
CARRIED = (pa.field("site", pa.string()), pa.field("year", pa.int64()), pa.field("weight", pa.float64()))


def table_of(count: int, seed: int = 0) -> pa.Table:
    """Made rows of all kinds of columns."""
    chance = np.random.default_rng(seed)
    rejected = chance.random(count) < 0.2
    states = ["unreadable" if lost else "ok" for lost in rejected]
    values: dict[str, list[Any]] = {
        "record_id": [str(number) for number in range(count)],
        "subject_id": [f"p{number // 3}" for number in range(count)],
        "status": states,
        "detail": ["its pixel data is cut off" if lost else None for lost in rejected],
        "site": [None if number % 11 == 0 else "ABC"[number % 3] for number in range(count)],
        "year": [2018 + number % 4 for number in range(count)],
        "weight": chance.random(count).tolist(),
        "bad__status": states,
        "bad__score": [None if lost else chance.normal() for lost in rejected],
        "label": [None if lost else "yes" for lost in rejected],
        "flag": [None if lost else bool(number % 2) for number, lost in enumerate(rejected)],
        "found": [None if lost else ["x"] * (number % 4) for number, lost in enumerate(rejected)],
        "vector": [[0.5, 0.25]] * count,
        "mask": [f"masks/{number}.png" for number in range(count)],
    }
    schema = row_schema(CARRIED, COLUMNS)
    return pa.table([pa.array(values[field.name], field.type) for field in schema], schema=schema)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(NUMBERS, max_size=20), max_size=6))
def test_a_histogram_of_parts_is_that_of_all_numbers(parts: list[list[float]]) -> None:
    added = reduce(Numbers.added, (numbers_of(np.array(part, float), whole=False) for part in parts), Numbers())
    whole = numbers_of(np.array([number for part in parts for number in part], float), whole=False)
    # Only their sum depends on the order, by what a float64 rounds off.
    assert added.model_copy(update={"sum": None}) == whole.model_copy(update={"sum": None})
    assert len(added.counts) <= BINS
    assert sum(added.counts) == added.values


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50), st.integers(0, 49))
def test_intervals_of_whole_numbers_are_not_narrower_than_one(values: list[int], cut: int) -> None:
    whole = numbers_of(np.array(values, float), whole=True)
    parts = [numbers_of(np.array(part, float), whole=True) for part in (values[:cut], values[cut:])]
    assert parts[0].added(parts[1]) == whole
    assert whole.exponent >= 0
    assert whole.sum == sum(values)


def test_quantiles_are_right_to_within_an_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 5_000)
    found = numbers_of(values, whole=False)
    for share in (0.0, 0.05, 0.5, 0.95, 1.0):
        told = found.quantile(share)
        assert told is not None
        assert abs(told - np.quantile(values, share)) <= 1.01 * found.width
    assert found.width <= (values.max() - values.min()) / (BINS / 2 - 1)


def test_quantiles_of_whole_numbers_are_whole() -> None:
    values = np.array([0] * 10 + [1] * 70 + [5] * 20, float)
    found = numbers_of(values, whole=True)
    assert [found.quantile(share) for share in (0.05, 0.5, 0.95, 1.0)] == [0.0, 1.0, 5.0, 5.0]
    wide = numbers_of(np.arange(1000.0), whole=True).quantile(0.5)
    assert wide is not None
    assert wide == int(wide)
    assert abs(wide - 499) <= 8


def test_a_constant_column_has_one_interval_and_quantiles_of_that_value() -> None:
    found = numbers_of(np.full(7, 0.25), whole=False)
    assert (found.counts, found.quantile(0.5), found.mean) == ((7,), 0.25, 0.25)
    zero = numbers_of(np.zeros(3), whole=False)
    assert (zero.counts, zero.quantile(0.9)) == ((3,), 0.0)
    assert zero.added(found).values == 10


@pytest.mark.parametrize("cuts", [(), (1,), (50, 100), (7, 8, 9, 199)])
def test_figures_of_shards_are_those_of_all_rows(cuts: tuple[int, ...]) -> None:
    table = table_of(200)
    edges = [0, *cuts, 200]
    parts = [table.slice(a, b - a) for a, b in pairwise(edges)]
    added = reduce(Figures.added, (figures_of(part, COLUMNS) for part in parts), NO_ROWS)
    whole = figures_of(table, COLUMNS)
    for name, numbers in whole.outputs.items():
        assert added.outputs[name].sum == pytest.approx(numbers.sum)
    assert without_sums(added) == without_sums(whole)


def without_sums(figures: Figures) -> Any:
    """Sums of fractions depend on the order by what a float64 rounds off."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cut(inner) for name, inner in value.items() if name != "sum"}
        return [cut(inner) for inner in value] if isinstance(value, list | tuple) else value

    return cut(figures.model_dump())


def test_scores_are_told_apart_by_each_carried_column_of_few_values() -> None:
    table = table_of(200)
    split = figures_of(table, COLUMNS).by_value
    assert split is not None
    assert set(split) == {"site", "year"}
    rows = pl.DataFrame(pl.from_arrow(table))
    for part in split["site"].parts:
        scores = rows.filter(pl.col("site") == part.value)["bad__score"].drop_nulls()
        assert part.outputs["bad__score"].values == len(scores)
        assert part.outputs["bad__score"].lowest == scores.min()
        assert [numbers.values for numbers in part.vectors["vector"].numbers] == [len(rows.filter(site=part.value))] * 2
    assert [part.value for part in split["site"].parts] == ["A", "B", "C"]


def test_a_column_of_many_values_does_not_tell_scores_apart_in_any_sum() -> None:
    parts = []
    for names in (["a", "b"], [f"site {number}" for number in range(9)], [f"s{number}" for number in range(7)]):
        values = pa.array([names[number % len(names)] for number in range(30)])
        split = figures_of(table_of(30).set_column(4, "site", values), COLUMNS).by_value
        assert split is not None
        parts.append(split["site"])
    assert [part.too_many for part in parts] == [False, True, False]
    assert parts[0].added(parts[2]) == parts[2].added(parts[0]) == Parts(too_many=True)
    assert parts[0].added(parts[1]).too_many


def test_scores_of_a_value_that_may_name_somebody_are_not_shown() -> None:
    values = pa.array(["North"] * 40 + ["Name of a patient"] * 4)
    shown = figures_of(table_of(44).set_column(4, "site", values), COLUMNS).anonymous()
    assert shown.by_value is not None
    assert [part.value for part in shown.by_value["site"].parts] == ["North"]
    assert "Name of" not in shown.model_dump_json()


def test_figures_of_an_older_version_have_no_scores_by_value_nor_has_their_sum() -> None:
    old = Figures.model_validate_json(figures_of(table_of(9), COLUMNS).model_dump_json(exclude={"by_value"}))
    assert old.by_value is None
    assert reduce(Figures.added, [old, figures_of(table_of(9), COLUMNS)], NO_ROWS).by_value is None


def test_each_kind_of_column_is_counted_in_its_way() -> None:
    table = table_of(200)
    found = figures_of(table, COLUMNS)
    lost = table["status"].to_pylist().count("unreadable")
    assert found.models == {"bad": {"ok": 200 - lost, "unreadable": lost}}
    # Numbers; and of a list its items. Uris of side objects are neither.
    assert set(found.outputs) == {"bad__score", "found"}
    assert found.outputs["bad__score"].values == 200 - lost
    assert found.outputs["found"].highest == 3
    assert [numbers.mean for numbers in found.vectors["vector"].numbers] == [0.5, 0.25]
    assert set(found.labels) == {"label", "flag"}
    assert [group.value for group in found.labels["flag"].groups] == ["false", "true", None]
    # A column of fractions tells records apart.
    assert set(found.carried) == {"site", "year"}
    assert [group.value for group in found.carried["site"].groups] == ["A", "B", "C", None]
    assert sum(group.statuses["bad"].get("unreadable", 0) for group in found.carried["site"].groups) == lost
    (reason,) = (group for group in found.reasons.groups if group.value is not None)
    assert (reason.value, reason.statuses) == ("its pixel data is cut off", {"": {"unreadable": lost}})


def test_an_embedding_is_not_counted_place_by_place_in_any_sum() -> None:
    short, long = ([[0.5] * length] * 3 for length in (2, 33))
    parts = []
    for lists in (short, long, [None, None, None], [[1.0], [], [None, 2.0]]):
        table = table_of(3).set_column(12, "vector", pa.array(lists, pa.list_(pa.float32())))
        parts.append(figures_of(table, COLUMNS).vectors["vector"])
    assert [numbers.values for numbers in parts[0].added(parts[2]).added(parts[3]).numbers] == [4, 4]
    assert parts[0].added(parts[1]) == parts[1].added(parts[0]) == Items(too_many=True)


def test_a_subject_with_many_records_is_not_named() -> None:
    table = table_of(60).set_column(1, "subject_id", pa.array([f"p{number // 20}" for number in range(60)]))
    table = table.set_column(4, "site", pa.array([f"Name of p{number // 20}" for number in range(60)]))
    shown = figures_of(table, COLUMNS).anonymous()
    assert shown.carried["site"].groups == ()
    assert shown.carried["site"].unnamed == 3
    assert "Name of" not in shown.model_dump_json()


def test_rows_of_a_shard_without_records_come_to_nothing() -> None:
    assert figures_of(table_of(0), COLUMNS).outputs["bad__score"] == Numbers()


def test_a_footer_without_figures_has_none_and_a_damaged_one_is_told() -> None:
    assert figures_in(None) is None
    assert figures_in({FIGURES_KEY.encode(): Figures().model_dump_json().encode()}) == Figures()
    with pytest.raises(VerificationError, match="figures that no run writes"):
        figures_in({FIGURES_KEY.encode(): b'{"outputs": 3}'})
