"""Images before several models: each takes only values that it was made for."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Array
from workers.images.prepare.plan import Ready
from workers.images.scoring import ImageScoring
from workers.images.value_contract import EIGHT_BITS, ValueContract
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.runner import ModelRunner
from workers.pipeline.tuning import Tuner


class Total:
    """The sum of each array; of several frames the sum of theirs."""

    outputs = (OutputField(name="total", type="float32", meaning="sum", over_frames="sum"),)

    def batch_key(self, array: Array) -> Hashable:
        return array.shape

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        return {"total": np.array([array.sum() for array in batch], np.float32)}


def scored(*records: Sequence[tuple[int, float]]) -> ShardRows:
    """Frames of each record as (value, top of its range), before a model of 8 bits and one that takes anything."""
    models = {"eight": Total(), "any": Total()}
    runners = {name: ModelRunner(model, Tuner(model, "cpu", fixed=4)) for name, model in models.items()}
    contracts = {"eight": ValueContract(EIGHT_BITS, None), "any": ValueContract(None, None)}
    scoring = ImageScoring(runners, {"eight": 0, "any": 0}, contracts)
    count = len(records)
    rows = ShardRows(pa.table({"record_id": [str(n) for n in range(count)]}), {}, [None] * count, [None] * count)
    scoring.start(rows)
    for number, frames in enumerate(records):
        ready = [Ready(np.full((1, 1), value, np.float32), (0.0, top)) for value, top in frames]
        scoring.score(rows, [Prepared(number, inputs=[ready])])
    scoring.finish(rows)
    return rows


def totals(rows: ShardRows, model: str) -> list[float | None]:
    values: list[float | None] = rows.models[model].finish()["total"].to_pylist()
    return values


def test_an_image_of_other_values_is_out_of_contract_for_that_model_alone() -> None:
    rows = scored([(5, 255)], [(6, 4095)], [(7, 255)])
    assert rows.models["eight"].statuses == [None, Status.OUT_OF_CONTRACT, None]
    assert rows.models["any"].statuses == [None, None, None]
    assert rows.statuses == [None, None, None]
    assert totals(rows, "eight") == [5.0, None, 7.0]
    assert totals(rows, "any") == [5.0, 6.0, 7.0]


def test_the_reason_says_what_the_image_has() -> None:
    (detail,) = scored([(6, 4095)]).models["eight"].details
    assert detail is not None
    assert "4095" in detail


def test_one_frame_of_other_values_costs_its_whole_object() -> None:
    rows = scored([(1, 255), (2, 255)], [(1, 255), (2, 4095)])
    assert rows.models["eight"].statuses == [None, Status.OUT_OF_CONTRACT]
    assert totals(rows, "eight") == [3.0, None]
    assert totals(rows, "any") == [3.0, 3.0]
