"""Columns of a run's rows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.errors import SpecError
from schemas.outputs import OutputField
from schemas.rows import output_columns, row_schema

SCORE = OutputField(name="score", type="float32", meaning="probability")


def test_one_model_writes_its_own_names() -> None:
    assert [column.name for column in output_columns({"a": [SCORE]})] == ["score"]


def test_several_models_write_prefixed_names_and_a_status_each() -> None:
    names = [column.name for column in output_columns({"a": [SCORE], "b": [SCORE]})]
    assert names == ["a__status", "a__score", "b__status", "b__score"]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="'score'"):
        output_columns({"a": [SCORE, SCORE]})


def test_a_carried_column_may_not_have_the_name_of_an_output() -> None:
    with pytest.raises(SpecError, match="'score'"):
        row_schema([pa.field("score", pa.string())], output_columns({"a": [SCORE]}))


def test_an_output_may_not_be_called_status() -> None:
    with pytest.raises(SpecError, match="'status'"):
        output_columns({"a": [OutputField(name="status", type="string", meaning="x")]})
