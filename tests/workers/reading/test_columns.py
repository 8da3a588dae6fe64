from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.errors import SpecError
from workers.reading.columns import cast_column, checked_text, decoded, is_binary, is_text, value_type


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_text_is_text_whatever_its_offsets(kind: pa.DataType) -> None:
    assert is_text(kind)
    assert not is_binary(kind)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_are_no_text(kind: pa.DataType) -> None:
    assert is_binary(kind)
    assert not is_text(kind)


def test_a_dictionary_is_its_values() -> None:
    column = pa.array(["a", "b", "a"]).dictionary_encode()
    assert value_type(column.type) == pa.string()
    assert decoded(column).to_pylist() == ["a", "b", "a"]


def test_a_cast_that_fails_names_the_column_and_never_a_value() -> None:
    with pytest.raises(SpecError, match=r"column 'age' of the input is string and cannot be read as int64") as caught:
        cast_column(pa.array(["Smith"]), "age", pa.int64())
    assert "Smith" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_bytes_that_are_no_utf_8_are_found_in_columns_of_either_type() -> None:
    bad = pa.array([b"\xff"], pa.binary())
    for column in (bad, bad.view(pa.string())):
        with pytest.raises(SpecError, match="not UTF-8"):
            checked_text(column)
    assert checked_text(pa.array(["ä"]).dictionary_encode()).to_pylist() == ["ä"]
    assert checked_text(pa.array([5])).to_pylist() == [5]
