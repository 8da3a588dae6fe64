"""Batches in another order: every row once, in the order that was asked for, through files where there are many."""

import numpy as np
import pyarrow as pa
import pytest

from workers.reading import reordered as module
from workers.reading.reordered import reordered

SCHEMA = pa.schema([("n", pa.int64()), ("names", pa.list_(pa.string()))])


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    table = pa.table({"n": range(rows), "names": [[str(n), None] for n in range(rows)]}, schema=SCHEMA)
    return table.to_batches(size)


@pytest.mark.parametrize("rows_a_part", [7, 65_536])
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_rows_come_in_the_order_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, rows_a_part: int, size: int
) -> None:
    monkeypatch.setattr(module, "_ROWS", rows_a_part)
    order = np.random.default_rng(0).permutation(100)
    found = pa.Table.from_batches(reordered(batches(100, size), SCHEMA, order), SCHEMA)
    assert found["n"].to_pylist() == order.tolist()
    assert found["names"].to_pylist() == [[str(n), None] for n in order.tolist()]


def test_the_order_that_rows_have_already_touches_nothing() -> None:
    given = batches(10, 3)
    assert list(reordered(given, SCHEMA, np.arange(10))) == given


def test_no_more_files_are_open_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 1)
    monkeypatch.setattr(module, "_PARTS", 4)
    found = pa.Table.from_batches(reordered(batches(10, 2), SCHEMA, np.arange(10)[::-1].copy()), SCHEMA)
    assert found["n"].to_pylist() == list(range(9, -1, -1))


def test_nothing_stays_nothing() -> None:
    assert list(reordered([], SCHEMA, np.arange(0))) == []
