"""What was encoded of a shard goes to each scorer at once; a record that a model refuses takes no other with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import InfrastructureError, RecordError, WardroundError
from schemas.outputs import OutputField
from schemas.status import Fault, Status
from tests.support.record_job import TableJob
from tests.support.record_job import scored as scored_in_worker
from workers.contract import Encoded
from workers.pipeline import holding
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.columns import ModelColumns
from workers.pipeline.holding import HeldScoring, Unit
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows


class Doubler:
    """Twice the number; refuses 13, runs out of memory at 99."""

    outputs = (OutputField(name="twice", type="int64", meaning="twice the number"),)

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def score(self, values: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        self.calls.append(list(values))
        if 99 in values:
            raise MemoryError
        if 13 in values:
            raise RecordError(Status.OUT_OF_CONTRACT, "unlucky")
        return {"twice": [2 * value for value in values]}


def shard(count: int, header: Sequence[str] = ()) -> ShardRows:
    ids = pa.table({"record_id": [str(row) for row in range(count)]})
    return ShardRows(ids, {}, [None] * count, [None] * count, {name: [None] * count for name in header})


def prepared(row: int, value: int, nbytes: int = 1) -> Prepared:
    return Prepared(row, [Encoded(value, nbytes)])


def scored(values: Sequence[int], nbytes: int = 1) -> tuple[Doubler, ShardRows, dict[str, pa.Array]]:
    doubler = Doubler()
    scoring = HeldScoring({"m": doubler}, "cpu", remedy="lower the limit")
    rows = shard(len(values))
    scoring.start(rows)
    for row, value in enumerate(values):
        scoring.score(rows, [prepared(row, value, nbytes)])
    scoring.finish(rows)
    return doubler, rows, rows.models["m"].finish()


def test_a_whole_shard_is_scored_in_one_call() -> None:
    doubler, _, columns = scored(range(10))
    assert doubler.calls == [list(range(10))]
    assert columns["twice"].to_pylist() == [2 * value for value in range(10)]


def test_a_record_that_the_model_refuses_is_found_by_halves() -> None:
    doubler, rows, columns = scored([1, 2, 13, 4, 13])
    assert columns["twice"].to_pylist() == [2, 4, None, 8, None]
    assert rows.models["m"].details == [None, None, "unlucky", None, "unlucky"]
    assert doubler.calls == [[1, 2, 13, 4, 13], [1, 2], [13, 4, 13], [13], [4, 13], [4], [13]]


def test_a_large_shard_is_scored_in_runs_that_its_own_sizes_cut_however_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding, "HELD_BYTES", 10)
    sizes = [4, 4, 4, 11, 1, 9, 1, 30, 2]
    calls = []
    for portion in (1, 2, 9):
        doubler = Doubler()
        scoring, rows = HeldScoring({"m": doubler}, "cpu"), shard(len(sizes))
        records = [prepared(row, row, size) for row, size in enumerate(sizes)]
        scoring.start(rows)
        for start in range(0, len(sizes), portion):
            scoring.score(rows, records[start : start + portion])
            assert scoring.held_bytes <= 30
        scoring.finish(rows)
        assert rows.models["m"].finish()["twice"].to_pylist() == [2 * row for row in range(len(sizes))]
        calls.append(doubler.calls)
    assert calls == [[[0, 1], [2], [3], [4, 5], [6], [7], [8]]] * 3


def test_held_bytes_are_those_of_all_models_until_they_are_scored() -> None:
    scoring, rows = HeldScoring({"a": Doubler(), "b": Doubler()}, "cpu"), shard(2)
    scoring.start(rows)
    for row in range(2):
        scoring.score(rows, [Prepared(row, [Encoded(1, 100), Encoded(2, 20)])])
        assert scoring.held_bytes == 120 * (row + 1)
    scoring.finish(rows)
    assert scoring.held_bytes == 0


def test_a_shard_that_was_given_up_leaves_nothing_to_the_next() -> None:
    doubler = Doubler()
    scoring, first, second = HeldScoring({"m": doubler}, "cpu"), shard(2), shard(1)
    scoring.start(first)
    scoring.score(first, [Prepared(0, [Encoded(5, 1)], detail="a remark")])
    scoring.start(second)
    assert scoring.held_bytes == 0
    scoring.score(second, [prepared(0, 7)])
    scoring.finish(second)
    assert (doubler.calls, second.details) == ([[7]], [None])


def test_a_device_without_memory_is_no_fault_of_a_record_and_the_model_is_named() -> None:
    with pytest.raises(InfrastructureError, match=r"memory left .* of model m: lower the limit"):
        scored([1, 99])


def test_a_shard_that_is_not_complete_is_not_scored() -> None:
    doubler = Doubler()
    scoring, rows = HeldScoring({"m": doubler}, "cpu"), shard(2)
    scoring.start(rows)
    scoring.score(rows, [prepared(0, 1)])
    with pytest.raises(WardroundError, match="1 of the 2 records"):
        scoring.finish(rows)
    assert doubler.calls == []


def test_a_shard_of_nothing_but_rejected_records_calls_no_scorer() -> None:
    doubler = Doubler()
    scoring, rows = HeldScoring({"m": doubler}, "cpu"), shard(2)
    scoring.start(rows)
    empty = Prepared(1, [Encoded(None, fault=Fault(Status.EMPTY, "nothing left"))])
    scoring.score(rows, [Prepared(0, status=Status.UNREADABLE, detail="broken"), empty])
    scoring.finish(rows)
    assert doubler.calls == []
    assert rows.models["m"].statuses == [Status.UNREADABLE, Status.EMPTY]


def test_what_the_header_says_is_kept_of_good_and_of_rejected_records() -> None:
    scoring, rows = HeldScoring({"m": Doubler()}, "cpu"), shard(2, ["kind"])
    scoring.start(rows)
    bad = Prepared(1, status=Status.EMPTY, detail="blank", columns={"kind": "b"})
    scoring.score(rows, [Prepared(0, [Encoded(1, 1)], columns={"kind": "a"}), bad])
    scoring.finish(rows)
    assert rows.header == {"kind": ["a", "b"]}


@pytest.mark.parametrize("models", [1, 2])
def test_a_remark_is_the_detail_of_a_record_unless_its_only_model_says_why_it_has_no_value(models: int) -> None:
    names = "mn"[:models]
    scoring, rows = HeldScoring({name: Doubler() for name in names}, "cpu"), shard(2)
    scoring.start(rows)
    for row, value in enumerate((1, 13)):
        scoring.score(rows, [Prepared(row, [Encoded(value, 1)] * models, detail="its time cannot be read")])
    scoring.finish(rows)
    remark = "its time cannot be read"
    assert rows.details == [remark, remark if models == 2 else None]


class Pairs:
    """Takes what was encoded of two records together."""

    outputs = Doubler.outputs

    def score(self, values: Sequence[Any]) -> Mapping[str, Sequence[int]]:
        if any(13 in pair for pair in values):
            raise RecordError(Status.OUT_OF_CONTRACT, "unlucky")
        return {"twice": [2 * value for pair in values for value in pair]}


def in_pairs(records: Sequence[Prepared], place: int, columns: ModelColumns) -> list[Unit]:
    return [Unit([record.row for record in records], [record.inputs[place] for record in records], 1)]


def test_records_that_were_encoded_together_get_a_value_each_and_are_not_blamed_together() -> None:
    scoring, rows = HeldScoring({"m": Pairs()}, "cpu", in_pairs), shard(4)
    scoring.start(rows)
    for row in (0, 2):
        scoring.score(rows, [Prepared(row, [row]), Prepared(row + 1, [row + 1])])
    scoring.finish(rows)
    assert rows.models["m"].finish()["twice"].to_pylist() == [0, 2, 4, 6]
    again = shard(2)
    scoring.start(again)
    scoring.score(again, [Prepared(0, [1]), Prepared(1, [13])])
    with pytest.raises(WardroundError, match=r"model m refuses 2 records together \(unlucky\)"):
        scoring.finish(again)


_CRASH = """
from tests.workers.pipeline.test_holding import scored
scored([4, 5, 6])
"""


def test_the_crash_point_of_a_record_lies_before_its_model_is_called() -> None:
    for record_id, dies in (("1", True), ("no such record", False)):
        done = subprocess.run(
            [sys.executable, "-c", _CRASH],
            env={"WARDROUND_CRASH_AT": f"forward.record:1:{record_id}", "PYTHONPATH": ".", "PATH": "/usr/bin"},
            check=False,
        )
        assert (done.returncode < 0) == dies


class AheadReader:
    """Reads ahead within its budget, as the readers of the wings do; each record is 100 bytes."""

    prepare_seconds = 0.0

    def __init__(self, budget: ByteBudget, depth: int = 4) -> None:
        self._budget, self._depth = budget, depth
        self._thread = ThreadPoolExecutor(1)

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        ahead: deque[Future[list[Prepared]]] = deque()
        for row, value in enumerate(records["value"].to_pylist()):
            while ahead and (len(ahead) >= self._depth or self._budget.held >= self._budget.limit):
                yield ahead.popleft().result()
            if not ahead:
                self._budget.wait_below()
            ahead.append(self._thread.submit(self._one, row, value))
        while ahead:
            yield ahead.popleft().result()

    def _one(self, row: int, value: int) -> list[Prepared]:
        time.sleep(0.001)
        self._budget.add(100)
        return [Prepared(row, [Encoded(value, 100)], nbytes=100)]

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


@pytest.mark.parametrize("limit", [1, 150, 1000, 1 << 20])
@pytest.mark.parametrize("held", [250, 1 << 20])
def test_a_shard_much_larger_than_the_budget_is_scored_as_one_that_fits_and_counts_while_it_is_held(
    monkeypatch: pytest.MonkeyPatch, limit: int, held: int
) -> None:
    monkeypatch.setattr(holding, "HELD_BYTES", held)
    records = 40
    tables = [
        pa.table({"record_id": [f"{n}-{row}" for row in range(records)], "value": range(100 * n, 100 * n + records)})
        for n in (2, 3, 4)
    ]
    doubler, budget = Doubler(), ByteBudget(limit)
    job = TableJob(AheadReader(budget), HeldScoring({"m": doubler}, "cpu"), tables)
    found = scored_in_worker(job, budget, timeout=30)
    assert [found[n]["m"]["twice"] for n in range(3)] == [[2 * v for v in t["value"].to_pylist()] for t in tables]
    assert len(doubler.calls) == (3 if held > 100 * records else 3 * records // 2)
    assert budget.held == 0
    at_once = min(held, 100 * records)
    assert at_once - 100 < budget.peak
    if limit < 100 * records:
        assert budget.peak <= max(limit, at_once) + 4 * 100
