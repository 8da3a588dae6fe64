"""Volumes through networks whose masks are made beside them: what goes wrong there belongs to its record."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import RecordError
from schemas.outputs import OutputField
from schemas.status import Status
from tests.support.volume_windows import Net, card, run, unet, volume
from workers.images.volumes.card import Windows
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.later import LaterSink
from workers.images.volumes.scoring import Values, VolumeScorer, VolumeScoring
from workers.images.volumes.windows.runner import open_runner, open_tuner
from workers.images.volumes.windows.sinks import LabelSink
from workers.pipeline.behind import Behind
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows

pytestmark = pytest.mark.timeout(60)
CARD = card(Windows(roi=(8, 8, 8), overlap=(0, 0, 0)))
VOLUMES = [volume(16, 8, 8, seed=seed) for seed in range(6)]
OUTPUT = OutputField(name="marked", type="int64", meaning="voxels")
Made = tuple[Mapping[str, Any], tuple[str, ...]]


def _count(record_id: str, inputs: VolumeInputs, kept: Any) -> Made:
    return {"marked": np.int64((kept.voxels > 0).sum())}, ("counted",) if record_id == "v1" else ()


@contextmanager
def _scoring(values: Values = _count, sink: Any = LabelSink, room: int = 10**9) -> Iterator[VolumeScoring]:
    behind, model = Behind(2, room), Net(unet(), CARD)
    tuner = open_tuner(model, fixed=1)
    runner = open_runner(model, tuner, lambda one, of: LaterSink(partial(sink, one, of), behind.lane()))
    made = VolumeScoring({"m": VolumeScorer((OUTPUT,), runner, 0, values, tuner)}, "cpu", behind)
    yield made
    made.close()


def _start(scoring: VolumeScoring) -> ShardRows:
    records = pa.table({"record_id": [f"v{row}" for row in range(len(VOLUMES))]})
    rows = ShardRows(records, {}, [None] * len(VOLUMES), [None] * len(VOLUMES))
    scoring.start(rows)
    return rows


def _score(scoring: VolumeScoring) -> ShardRows:
    rows = _start(scoring)
    for row, one in enumerate(VOLUMES):
        scoring.score(rows, [Prepared(row, [VolumeInputs(one, (one,))])])
    scoring.finish(rows)
    return rows


def test_values_are_those_of_what_the_network_marked_in_each_volume() -> None:
    truth = [int((one.value.voxels > 0).sum()) for one in run(Net(unet(), CARD), VOLUMES, 1, LabelSink)]
    for room in (1, 10**9):
        with _scoring(room=room) as scoring:
            rows = _score(scoring)
            assert rows.models["m"].finish()["marked"].to_pylist() == truth
            assert scoring.held_bytes == 0
            assert [row for row, detail in enumerate(rows.details) if detail == "counted"] == [1]


@pytest.mark.parametrize("error", [RecordError(Status.TOO_LARGE, "no room"), MemoryError()])
def test_what_fails_behind_the_network_is_the_verdict_of_its_record(error: Exception) -> None:
    def values(record_id: str, inputs: VolumeInputs, kept: Any) -> Made:
        if record_id == "v2":
            raise error
        return _count(record_id, inputs, kept)

    class Failing(LabelSink):
        def finish(self) -> Any:
            if np.array_equal(seen[id(self)].voxels, VOLUMES[4].voxels):
                raise error
            return super().finish()

        def __init__(self, one: Any, of: Any) -> None:
            super().__init__(one, of)
            seen[id(self)] = one

    seen: dict[int, Any] = {}
    with _scoring(values, Failing) as scoring:
        columns = _score(scoring).models["m"]
    assert [row for row, status in enumerate(columns.statuses) if status is Status.TOO_LARGE] == [2, 4]
    assert columns.finish()["marked"].null_count == 2


def test_no_more_than_a_few_volumes_wait_for_their_masks() -> None:
    hold, began = threading.Event(), list[str]()

    def values(record_id: str, inputs: VolumeInputs, kept: Any) -> Made:
        began.append(record_id)
        hold.wait(30)
        return _count(record_id, inputs, kept)

    with _scoring(values) as scoring:
        rows, taken = _start(scoring), list[int]()

        def score() -> None:
            for row, one in enumerate(VOLUMES):
                scoring.score(rows, [Prepared(row, [VolumeInputs(one, (one,))])])
                taken.append(row)

        thread = threading.Thread(target=score, daemon=True)
        thread.start()
        time.sleep(0.5)
        assert len(taken) < len(VOLUMES), "the network waits for what is behind it"
        hold.set()
        thread.join(30)
        scoring.finish(rows)
    assert sorted(began) == [f"v{row}" for row in range(len(VOLUMES))]


def test_a_shard_that_failed_half_way_leaves_nothing_to_the_next() -> None:
    with _scoring() as scoring:
        rows = _start(scoring)
        for row in range(3):
            scoring.score(rows, [Prepared(row, [VolumeInputs(VOLUMES[row], (VOLUMES[row],))])])
        columns = _score(scoring).models["m"]
    assert columns.finish()["marked"].null_count == 0
