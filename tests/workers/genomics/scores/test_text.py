"""Text of scoring files as columns."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from workers.genomics.scores.text import text_frame

_FIELD = st.one_of(
    st.floats(width=64).map(repr),
    st.floats(-10, 10).map(lambda value: f"{value:.4g}"),
    st.sampled_from(["", "NA", "nan", "+1", "1e400", "1x", " 2", '"3"', ".", "-"]),
)


@given(st.lists(st.tuples(_FIELD, _FIELD), min_size=1, max_size=6))
def test_numbers_that_are_read_at_once_are_those_that_their_text_says(rows: list[tuple[str, str]]) -> None:
    block = "\n".join(f"v{row}\t{one}\t{other}" for row, (one, other) in enumerate(rows)).encode()
    weights = pl.col("1", "2").cast(pl.Float64, strict=False)
    plain, quick = text_frame(block, 3, b"\t"), text_frame(block, 3, b"\t", numbers=(1, 2))
    assert quick.with_columns(weights).equals(plain.with_columns(weights))


def test_a_column_that_holds_more_than_numbers_stays_text() -> None:
    assert text_frame(b"v\t1\nw\t2", 2, b"\t", numbers=(1,)).schema["1"] == pl.Float64
    assert text_frame(b"v\t1\nw\tNA", 2, b"\t", numbers=(1,)).schema["1"] == pl.String


def test_a_line_of_blanks_is_read_as_fast_as_any() -> None:
    blanks = b" " * 500_000
    frame = text_frame(blanks + b"a" + blanks + b"b" + blanks + b"\n\t c \t d\t \n", 2, b" ")
    assert frame.select("0", "1").rows() == [("a", "b"), ("c", "d")]
