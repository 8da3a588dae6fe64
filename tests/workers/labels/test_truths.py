"""What is true, from columns as people have them."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from schemas.errors import SpecError
from workers.labels.truths import binary_truth, class_truth, number_truth

NAN = math.nan


def binary(values: list[Any], positive: Any = 1, negative: Any = None, *, is_said: bool = True) -> list[float | None]:
    column = pl.Series("sick", values)
    return binary_truth(column, positive, negative, "outputs.sick", is_said=is_said).to_list()


@pytest.mark.parametrize(
    "values", [[1, 0, None], ["1", "0", None], [True, False, None], [1.0, 0.0, NAN], ["1.0", "0", "nan"]]
)
def test_without_a_word_of_it_truths_are_1_and_0_and_nothing_or_nan_is_not_known(values: list[Any]) -> None:
    assert binary(values, is_said=False) == [1, 0, None]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1, 0, -1, 2], "2 values of 'sick' are neither 0 nor 1"),
        ([1.0, math.inf], "1 value of 'sick' is neither 0 nor 1"),
        (["yes", "no"], "2 values of 'sick' are no numbers: name them in quotes"),
        (["1", "NA"], "1 value of 'sick' is no number: .*leave empty what is not known"),
        ([[1], [0]], r"of type List\(Int64\)"),
    ],
)
def test_without_a_word_of_it_other_truths_are_refused(values: list[Any], says: str) -> None:
    with pytest.raises(SpecError, match=f"outputs.sick: .*{says}"):
        binary(values, is_said=False)


def test_all_others_are_negative_where_the_spec_says_what_is_positive() -> None:
    assert binary([1.0, 0.0, -1.0, NAN, None]) == [1, 0, 0, None, None]
    assert binary(["yes", "no", "perhaps", None], "yes") == [1, 0, 0, None]
    assert binary(["TRUE", "false", "0"], True) == [1, 0, 0]


def test_others_are_not_known_where_it_says_what_is_negative() -> None:
    assert binary([1, 0, -1], 1, 0) == [1, 0, None]
    assert binary(["yes", "no", "NA"], "yes", "no") == [1, 0, None]


@pytest.mark.parametrize("missing", ["NA", "nan", "None", "null", "", "<NA>", "n/a"])
def test_words_for_a_missing_value_are_never_negative_in_silence(missing: str) -> None:
    with pytest.raises(SpecError, match=r"1 value of 'sick' reads like one that is missing .*: leave them empty"):
        binary(["yes", "no", missing], "yes")


def test_words_are_no_true_and_false() -> None:
    with pytest.raises(SpecError, match="2 values of 'sick' are neither true nor false"):
        binary(["yes", "no", "true"], True)


def test_numbers_are_finite_and_nan_is_not_known() -> None:
    assert number_truth(pl.Series("age", ["1.5", "nan", None]), "outputs.age").to_list() == [1.5, None, None]
    for values, says in (
        ([1.0, math.inf], "1 value of 'age' is infinite"),
        ([1e300], "beyond 3.4e38"),
        (["old"], "1 value of 'age' is no number: correct them"),
    ):
        with pytest.raises(SpecError, match=says):
            number_truth(pl.Series("age", values), "outputs.age")


def test_classes_are_told_by_their_names_and_others_are_counted() -> None:
    found, unknown = class_truth(pl.Series("grade", [0.0, 2.0, 3.0, None]), ("0", "1", "2"), "outputs.grade")
    assert (found.to_list(), unknown) == ([0, 2, None, None], 1)
