"""Batches, the out-of-memory ladder, and the live measurement."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from schemas.errors import InfrastructureError, RecordError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Array
from workers.pipeline.runner import ModelRunner
from workers.pipeline.tuning import Tuner


class SumModel:
    """A real model of the protocol: the sum of each array. Its device holds `room` numbers at a time."""

    outputs = (OutputField(name="total", type="float32", meaning="sum"),)

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.batches: list[int] = []
        self.bytes_forwarded = 0
        self.layouts: list[bool] = []

    def configure(self, channels_last: bool) -> None:
        self.layouts.append(channels_last)

    def batch_key(self, array: Array) -> Hashable:
        return array.shape

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        if sum(array.size for array in batch) > self.room:
            raise MemoryError
        if batch[0].shape == (7,):
            raise RecordError(Status.OUT_OF_CONTRACT, "seven is not allowed")
        if any(array[0] == -1 for array in batch):
            raise RecordError(Status.OUT_OF_CONTRACT, "no negative numbers")
        self.batches.append(len(batch))
        self.bytes_forwarded += sum(array.nbytes for array in batch)
        return {"total": np.array([array.sum() for array in batch], np.float32)}


def score(model: SumModel, arrays: Sequence[Array], fixed: int | None = 4) -> Any:
    runner = ModelRunner(model, Tuner(model, "cpu", fixed=fixed))
    columns = runner.start(len(arrays))
    for row, array in enumerate(arrays):
        runner.add((row, 0), array)
    runner.flush()
    return columns


def test_batches_hold_arrays_of_one_shape_and_the_order_is_restored() -> None:
    arrays = [np.full(2 + row % 3, row, np.float32) for row in range(20)]
    model = SumModel()
    assert score(model, arrays).finish()["total"].to_pylist() == [array.sum() for array in arrays]
    assert max(model.batches) == 4


@pytest.mark.parametrize("fixed", [1, 3, 64, None])
def test_the_batch_size_does_not_change_the_answer(fixed: int | None) -> None:
    arrays = [np.full(5, row, np.float32) for row in range(50)]
    assert score(SumModel(), arrays, fixed).finish()["total"].to_pylist() == [5.0 * row for row in range(50)]


def test_arrays_of_many_shapes_do_not_all_wait_for_the_end_of_the_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.pipeline.runner._WAITING_BYTES", 4000)
    arrays = [np.full(10 + row % 50, row, np.float32) for row in range(100)]
    model = SumModel()
    runner = ModelRunner(model, Tuner(model, "cpu", fixed=4))
    columns = runner.start(len(arrays))
    waited = []
    for row, array in enumerate(arrays):
        runner.add((row, 0), array)
        waited.append(sum(arrays[each].nbytes for each in range(row + 1)) - model.bytes_forwarded)
    runner.flush()
    assert max(waited) <= 4000
    assert columns.finish()["total"].to_pylist() == [array.sum() for array in arrays]


def test_out_of_memory_halves_the_batch_and_remembers_what_fits() -> None:
    model = SumModel(room=10)
    arrays = [np.ones(5, np.float32)] * 20
    assert score(model, arrays, 16).finish()["total"].to_pylist() == [5.0] * 20
    assert model.batches == [2] * 10


def test_a_record_that_never_fits_is_told_as_infrastructure_and_not_as_its_fault() -> None:
    with pytest.raises(InfrastructureError, match="batch of one record"):
        score(SumModel(room=3), [np.ones(5, np.float32)])


def test_what_breaks_the_contract_of_the_model_becomes_a_status() -> None:
    columns = score(SumModel(), [np.ones(7, np.float32), np.ones(6, np.float32)])
    assert columns.finish()["total"].to_pylist() == [None, 6.0]
    assert columns.statuses == [Status.OUT_OF_CONTRACT, None]


def test_a_record_that_breaks_the_contract_does_not_take_its_batch_with_it() -> None:
    arrays = [np.full(4, -1 if row == 5 else row, np.float32) for row in range(12)]
    columns = score(SumModel(), arrays, fixed=8)
    assert columns.finish()["total"].to_pylist() == [None if row == 5 else 4.0 * row for row in range(12)]
    assert [row for row, status in enumerate(columns.statuses) if status] == [5]


class Moody(SumModel):
    """Refuses batches with -1, and has no memory the first time that it sees the second half of one."""

    def __init__(self) -> None:
        super().__init__()
        self.tried = 0

    def forward(self, batch: Sequence[Array]) -> Mapping[str, Sequence[Any] | Array]:
        self.tried += 1
        if self.tried == 3:
            raise MemoryError
        return super().forward(batch)


def test_memory_that_runs_out_among_the_halves_of_a_refused_batch_counts_no_record_twice() -> None:
    arrays = [np.full(4, -1 if row == 3 else row, np.float32) for row in range(4)]
    columns = score(Moody(), arrays, fixed=4)
    assert columns.finish()["total"].to_pylist() == [0.0, 4.0, 8.0, None]


def test_the_measurement_ends_with_one_choice_and_later_workers_start_with_it() -> None:
    model = SumModel()
    tuner = Tuner(model, "cpu")
    runner = ModelRunner(model, tuner)
    runner.start(2000)
    for row in range(2000):
        runner.add((row, 0), np.ones(3, np.float32))
    runner.flush()
    assert tuner.measured
    ((_, found),) = tuner.known.items()
    again = SumModel()
    later = ModelRunner(again, Tuner(again, "cpu", known=tuner.known))
    later.start(200)
    for row in range(200):
        later.add((row, 0), np.ones(3, np.float32))
    assert set(again.batches) == {found["batch"]}
    assert again.layouts == [found["channels_last"]]


def test_deterministic_numerics_never_vary_the_batch() -> None:
    model = SumModel()
    score(model, [np.ones(3, np.float32)] * 64, fixed=16)
    assert model.batches == [16] * 4


class Needy(SumModel):
    """Says that it needs ten times what it is given."""

    def bytes_needed(self, array: Array) -> int:
        return 10 * array.nbytes


def test_what_the_device_cannot_hold_is_not_even_tried() -> None:
    model = Needy()
    large = np.zeros(20_000_000, np.float32)
    runner = ModelRunner(model, Tuner(model, "cpu", fixed=2), room=500_000_000)
    columns = runner.start(3)
    for row, array in enumerate([np.ones(3, np.float32), large, np.ones(3, np.float32)]):
        runner.add((row, 0), array)
    runner.flush()
    assert columns.statuses == [None, Status.TOO_LARGE, None]
    assert columns.details[1] == "scoring it needs 762 MiB of memory, the device has 476"
    assert model.bytes_forwarded == 24


@pytest.mark.parametrize("room", [None, 10**10])
def test_where_there_is_room_or_nobody_knows_it_is_tried(room: int | None) -> None:
    model = Needy()
    runner = ModelRunner(model, Tuner(model, "cpu", fixed=1), room=room)
    columns = runner.start(1)
    runner.add((0, 0), np.ones(20_000_000, np.float32))
    runner.flush()
    assert columns.statuses == [None]
