"""Arrays pass through every model; a shard of which records are missing is not scored."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import WardroundError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Array
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.runner import ModelRunner
from workers.pipeline.scoring import ArrayScoring
from workers.pipeline.tuning import Tuner


class Total:
    """The sum of each array."""

    outputs = (OutputField(name="total", type="float32", meaning="sum"),)

    def batch_key(self, array: Array) -> Hashable:
        return array.shape

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        return {"total": np.array([array.sum() for array in batch], np.float32)}


def a_scoring() -> ArrayScoring:
    """Two models, of which the second takes the first prepared input, and the first the second."""
    models = {"a": Total(), "b": Total()}
    runners = {name: ModelRunner(model, Tuner(model, "cpu", fixed=4)) for name, model in models.items()}
    return ArrayScoring(runners, {"a": 1, "b": 0})


def shard(count: int, header: Sequence[str] = ()) -> ShardRows:
    ids = pa.table({"record_id": [str(row) for row in range(count)]})
    return ShardRows(ids, {}, [None] * count, [None] * count, {name: [None] * count for name in header})


def two_frames(row: int) -> Prepared:
    one, other = [[np.full(3, factor * row, np.float32)] * 2 for factor in (1, 10)]
    return Prepared(row, [one, other], columns={"side": "left"}, nbytes=48)


def test_each_model_takes_its_own_input_and_the_header_is_kept() -> None:
    scoring, rows = a_scoring(), shard(3, ["side", "age"])
    scoring.start(rows)
    scoring.score(rows, [two_frames(0), two_frames(1)])
    scoring.score(rows, [Prepared(2, status=Status.UNREADABLE, detail="broken", columns={"age": "7"})])
    assert scoring.finish(rows) >= 0.0
    assert rows.models["a"].finish()["total"].to_pylist() == [0.0, 30.0, None]
    assert rows.models["b"].finish()["total"].to_pylist() == [0.0, 3.0, None]
    assert rows.header == {"side": ["left", "left", None], "age": [None, None, "7"]}
    assert (rows.statuses, rows.details) == ([None, None, Status.UNREADABLE], [None, None, "broken"])


def test_arrays_that_wait_for_their_batch_are_held_bytes() -> None:
    scoring, rows = a_scoring(), shard(3)
    scoring.start(rows)
    assert scoring.held_bytes == 0
    scoring.score(rows, [two_frames(0)])
    assert scoring.held_bytes == 2 * 2 * 12
    scoring.score(rows, [two_frames(1)])
    assert scoring.held_bytes == 0
    scoring.score(rows, [two_frames(2)])
    scoring.finish(rows)
    assert scoring.held_bytes == 0


def test_a_shard_that_is_not_complete_is_not_scored() -> None:
    scoring, rows = a_scoring(), shard(2)
    scoring.start(rows)
    scoring.score(rows, [two_frames(0)])
    with pytest.raises(WardroundError, match="1 of the 2 records"):
        scoring.finish(rows)
