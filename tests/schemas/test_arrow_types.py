"""Arrow types as text."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.arrow_types import parse_type
from schemas.errors import SpecError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("float32", pa.float32()),
        (" list< float32 > ", pa.list_(pa.float32())),
        (
            "struct<a: int64, b: list<struct<c: string>>>",
            pa.struct([("a", pa.int64()), ("b", pa.list_(pa.struct([("c", pa.string())])))]),
        ),
    ],
)
def test_a_written_type_is_its_arrow_type(text: str, expected: pa.DataType) -> None:
    assert parse_type(text) == expected


@pytest.mark.parametrize("text", ["", "float", "list<", "struct<a>", "struct<a: nothing>"])
def test_an_unknown_type_is_refused_by_name(text: str) -> None:
    with pytest.raises(SpecError):
        parse_type(text)
