from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pytest

from schemas.errors import SpecError
from workers.labels.settings import Labels
from workers.labels.unmatched import some_labelled

ASKED = Labels(uri="labels.csv", key="image")


def batches() -> Iterator[pa.RecordBatch]:
    yield pa.record_batch({"record_id": ["a/1.png", "a/2.png"]})
    yield pa.record_batch({"record_id": ["a/3.png"]})


def test_one_label_that_belongs_to_a_record_is_enough_and_no_batch_is_lost() -> None:
    found = list(some_labelled(batches, ASKED, pl.Series(["a/3.png", "b"])))
    assert [batch.num_rows for batch in found] == [2, 1]


def test_whole_numbers_have_no_decimals() -> None:
    assert list(some_labelled(lambda: iter([pa.record_batch({"record_id": [17.0]})]), ASKED, pl.Series(["17"])))


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["x", "y"], r"not one of 2 labels belongs to a record: correct labels\.key \(image\) or"),
        (["x", "3"], r"belongs to a record, but some would without folders and endings \(the id of"),
        (["/data/a/1.png", "x"], r"but some would without folders"),
    ],
)
def test_labels_of_other_ids_are_said_behind_the_last_batch(ids: list[str], says: str) -> None:
    looked = some_labelled(batches, ASKED, pl.Series(ids))
    assert [next(looked).num_rows, next(looked).num_rows] == [2, 1]
    with pytest.raises(SpecError, match=says):
        next(looked)
