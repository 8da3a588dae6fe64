"""From values of batches to columns of a shard."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.pipeline.columns import ModelColumns


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


def test_a_number_that_may_be_null_has_no_value_where_the_model_gives_none() -> None:
    columns = ModelColumns([field("s", may_be_null=True)], 3)
    columns.put([(2, 0), (0, 0)], {"s": [np.float32(0.5), None]})
    columns.put([(1, 0)], {"s": [np.float32("nan")]})
    assert columns.finish()["s"].to_pylist() == [None, None, 0.5]
    assert columns.statuses == [None, Status.INVALID_OUTPUT, None]


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


def kept_in(columns: ModelColumns) -> list[tuple[int, bytes]]:
    """What the columns give to their sink from now on."""
    kept: list[tuple[int, bytes]] = []

    def sink(output: OutputField, row: int, body: bytes) -> str:
        kept.append((row, body))
        return f"{output.name}/{row}-{body.decode()}"

    columns.sink = sink
    return kept


def test_files_go_where_they_belong_and_the_rows_refer_to_them() -> None:
    columns = ModelColumns([field("s"), field("mask", "object<png>", over_frames="first")], 3)
    kept = kept_in(columns)
    columns.put([(2, 0), (0, 0)], {"s": np.array([2, 0], np.float32), "mask": [b"c", b"a"]})
    columns.put([(1, 0)], {"s": np.array([1], np.float32), "mask": [None]})
    assert columns.finish()["mask"].to_pylist() == ["mask/0-a", None, "mask/2-c"]
    assert kept == [(2, b"c"), (0, b"a")]


def test_of_frames_the_first_has_the_file() -> None:
    columns = ModelColumns([field("mask", "object<png>", over_frames="first")], 1)
    kept = kept_in(columns)
    columns.put([(0, 1), (0, 0)], {"mask": [b"second", b"first"]})
    assert columns.finish()["mask"].to_pylist() == ["mask/0-first"]
    assert kept == [(0, b"first")]


def test_or_every_frame_has_files_which_are_listed_in_their_order() -> None:
    columns = ModelColumns([field("maps", "list<object<npy>>", over_frames="concat")], 1)
    kept_in(columns)
    columns.put([(0, 1), (0, 0)], {"maps": [[b"c"], [b"a", b"b"]]})
    assert columns.finish()["maps"].to_pylist() == [["maps/0-a", "maps/0-b", "maps/0-c"]]


def test_a_record_without_outputs_leaves_no_file() -> None:
    columns = ModelColumns([field("s"), field("mask", "object<png>", over_frames="first")], 2)
    kept = kept_in(columns)
    columns.reject(0, Status.UNREADABLE, "early")
    columns.put([(0, 0), (1, 0)], {"s": np.array([1, np.nan], np.float32), "mask": [b"a", b"b"]})
    assert columns.finish()["mask"].to_pylist() == [None, None]
    assert columns.statuses == [Status.UNREADABLE, Status.INVALID_OUTPUT]
    assert kept == []
