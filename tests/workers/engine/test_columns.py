"""From values of batches to columns of a shard."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.engine.columns import ModelColumns


def field(name: str, kind: str = "float32", **more: object) -> OutputField:
    return OutputField(name=name, type=kind, meaning="test", **more)


def test_batches_in_any_order_come_back_in_plan_order() -> None:
    columns = ModelColumns([field("s"), field("t", "list<int64>")], 4)
    columns.put([(3, 0), (1, 0)], {"s": np.array([3, 1], np.float32), "t": [[3], [1, 1]]})
    columns.put([(0, 0), (2, 0)], {"s": np.array([0, 2], np.float32), "t": [[], [2]]})
    done = columns.finish()
    assert done["s"].to_pylist() == [0, 1, 2, 3]
    assert done["t"].to_pylist() == [[], [1, 1], [2], [3]]


def test_a_rejected_record_has_null_outputs_and_keeps_its_first_reason() -> None:
    columns = ModelColumns([field("s")], 2)
    columns.put([(0, 0)], {"s": np.array([1.0], np.float32)})
    columns.reject(1, Status.UNREADABLE, "first")
    columns.reject(1, Status.TOO_LARGE, "second")
    assert columns.finish()["s"].to_pylist() == [1.0, None]
    assert (columns.statuses[1], columns.details[1]) == (Status.UNREADABLE, "first")


@pytest.mark.parametrize(("how", "expected"), [("mean", 2.0), ("max", 4.0), ("sum", 6.0), ("first", 0.0)])
def test_frames_of_one_record_become_one_number(how: str, expected: float) -> None:
    columns = ModelColumns([field("s", over_frames=how)], 2)
    columns.put([(0, 2), (0, 0), (1, 0), (0, 1)], {"s": np.array([2, 0, 9, 4], np.float32)})
    assert columns.finish()["s"].to_pylist() == [expected, 9.0]


def test_lists_of_frames_are_joined_in_frame_order() -> None:
    columns = ModelColumns([field("boxes", "list<int64>", over_frames="concat")], 1)
    columns.put([(0, 1), (0, 0)], {"boxes": [[2], [1]]})
    assert columns.finish()["boxes"].to_pylist() == [[1, 2]]


def test_nan_where_none_is_promised_rejects_the_record() -> None:
    columns = ModelColumns([field("s"), field("v", "list<float32>")], 3)
    columns.put([(0, 0), (1, 0), (2, 0)], {"s": np.array([1, np.nan, 3], np.float32), "v": [[1.0], [1.0], [np.nan]]})
    assert columns.finish()["s"].to_pylist() == [1.0, None, None]
    assert columns.statuses == [None, Status.INVALID_OUTPUT, Status.INVALID_OUTPUT]


def test_nan_is_kept_where_the_model_says_it_may_be() -> None:
    columns = ModelColumns([field("s", may_be_nan=True)], 1)
    columns.put([(0, 0)], {"s": np.array([np.nan], np.float32)})
    assert np.isnan(columns.finish()["s"][0].as_py())


def test_a_record_with_neither_value_nor_status_is_a_bug_and_nothing_is_written() -> None:
    columns = ModelColumns([field("s")], 2)
    columns.put([(0, 0)], {"s": np.array([1.0], np.float32)})
    with pytest.raises(WardroundError, match="1 records have neither"):
        columns.finish()


def test_a_shard_of_rejects_only_has_only_nulls() -> None:
    columns = ModelColumns([field("s"), field("b", "bool"), field("t", "list<string>")], 1)
    columns.reject(0, Status.MISSING, "gone")
    assert [column.to_pylist() for column in columns.finish().values()] == [[None], [None], [None]]
