"""Reading ahead is bounded in bytes, and what is given up leaves nothing on the budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import InfrastructureError
from workers.children.contract import Request, Result
from workers.images.fetching import Fetched, Wanted
from workers.images.reader import CHUNK_BYTES, CHUNK_RECORDS, ImageReader
from workers.pipeline.byte_budget import ByteBudget

ARRAY_BYTES = 1000


class Bytes:
    """A fetcher that fails at the object that it is told."""

    def __init__(self, fails_at: str = "", body: bytes = b"x") -> None:
        self._fails_at = fails_at
        self._body = body
        self.asked: list[int] = []

    def fetch(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        self.asked.append(len(wanted))
        if any(one.uri == self._fails_at for one in wanted):
            raise InfrastructureError("storage is down")
        return [Fetched(self._body) for _ in wanted]

    def close(self) -> None:
        """Nothing to stop."""


class Arrays:
    """A pool that makes an array of every object at once."""

    def __call__(self, data: bytes | memoryview) -> Arrays:
        return self

    def share(self, data: bytes | memoryview) -> bytes | memoryview:
        return data

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        future: Future[list[Result]] = Future()
        meta = {"members": [{"header": {}, "frames": 1, "ranges": [(0, 255)]}]}
        future.set_result([Result([np.zeros(ARRAY_BYTES, np.uint8)], meta) for _ in chunk])
        return future

    def close(self) -> None:
        """Nothing to stop."""


def records(number: int) -> pa.Table:
    names = [f"{i:03d}" for i in range(number)]
    nothing = {"member": pa.nulls(number, pa.int64()), "size": pa.nulls(number, pa.int64())}
    return pa.table({"record_id": names, "uri": names, **nothing, "etag": pa.nulls(number, pa.string())})


def reader(budget: ByteBudget, fails_at: str = "") -> ImageReader:
    return ImageReader(Bytes(fails_at), Arrays(), budget, lists=1, by_frame=False, depth=3)


def drained(budget: ByteBudget) -> bool:
    end = time.monotonic() + 5
    while budget.held and time.monotonic() < end:
        time.sleep(0.01)
    return budget.held == 0


@pytest.mark.timeout(20)
@pytest.mark.parametrize("limit", [1, ARRAY_BYTES, 20 * ARRAY_BYTES, 1000 * ARRAY_BYTES])
def test_chunks_larger_than_the_bound_pass_while_another_thread_consumes(limit: int) -> None:
    budget = ByteBudget(limit)
    rows: list[int] = []
    for part in reader(budget).read(records(200)):
        rows += [record.row for record in part]
        threading.Timer(0.002, budget.add, [-sum(record.nbytes for record in part)]).start()
    assert rows == list(range(200))
    assert drained(budget)


def test_a_reader_that_is_closed_in_the_middle_takes_what_it_read_ahead_off_the_budget() -> None:
    budget = ByteBudget(1000 * ARRAY_BYTES)
    parts = reader(budget).read(records(200))
    first = next(parts)
    parts.close()
    budget.add(-sum(record.nbytes for record in first))
    assert drained(budget)


@pytest.mark.parametrize(("nbytes", "at_a_time"), [(CHUNK_BYTES, 1), (CHUNK_BYTES // 5, 5), (1, CHUNK_RECORDS)])
def test_of_objects_whose_sizes_the_plan_does_not_know_only_so_many_are_read_at_a_time(
    nbytes: int, at_a_time: int
) -> None:
    fetcher = Bytes(body=bytes(nbytes))
    reading = ImageReader(fetcher, Arrays(), ByteBudget(1 << 30), lists=1, by_frame=False, depth=1)
    rows = [record.row for part in reading.read(records(3 * CHUNK_RECORDS)) for record in part]
    assert rows == list(range(3 * CHUNK_RECORDS))
    assert fetcher.asked[0] == 4
    assert max(fetcher.asked[1:]) == at_a_time


def test_where_storage_fails_in_the_middle_of_a_chunk_nothing_of_its_first_part_stays_on_the_budget() -> None:
    budget = ByteBudget(1000 * ARRAY_BYTES)
    with pytest.raises(InfrastructureError):
        next(reader(budget, fails_at="006").read(records(200)))
    assert drained(budget)


def test_where_storage_fails_nothing_stays_on_the_budget() -> None:
    budget = ByteBudget(1000 * ARRAY_BYTES)
    parts = reader(budget, fails_at="000").read(records(200))
    with pytest.raises(InfrastructureError):
        next(parts)
    assert drained(budget)


class Frames(Arrays):
    """A pool that makes an array of every wanted frame, and remembers what it was given."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, chunk: Sequence[Request]) -> Future[list[Result]]:
        self.requests += chunk
        future: Future[list[Result]] = Future()
        future.set_result([_frames(request) for request in chunk])
        return future


def _frames(request: Request) -> Result:
    members = [{"header": {}, "frames": 1, "ranges": [(0, 255)]} for _ in request.context["members"]]
    return Result([np.zeros(ARRAY_BYTES, np.uint8) for _ in members], {"members": members})


def frame_records(counts: Sequence[int]) -> pa.Table:
    rows = [(f"{name}", frame) for name, count in enumerate(counts) for frame in range(count)]
    nothing = {"size": pa.nulls(len(rows), pa.int64()), "etag": pa.nulls(len(rows), pa.string())}
    ids = [f"{name}#{frame}" for name, frame in rows]
    uris, members = [name for name, _ in rows], pa.array([frame for _, frame in rows], pa.int64())
    return pa.table({"record_id": ids, "uri": uris, "member": members, **nothing})


def test_an_object_of_many_frames_is_fetched_once_and_has_one_name_for_the_decoders() -> None:
    budget, storage, pool = ByteBudget(1000 * ARRAY_BYTES), Bytes(body=b"y" * 50), Frames()
    rows = []
    for part in ImageReader(storage, pool, budget, lists=1, by_frame=True, depth=3).read(
        frame_records([3, 100, 2, 40])
    ):
        rows += [record.row for record in part]
        budget.add(-sum(record.nbytes for record in part))
    assert rows == list(range(145))
    assert sum(storage.asked) == 4
    assert drained(budget)
    names = {request.context.get("object") for request in pool.requests}
    assert len(names - {None}) == 2


def test_a_reader_that_is_closed_lets_go_of_an_object_that_is_half_read() -> None:
    budget = ByteBudget(1000 * ARRAY_BYTES)
    parts = ImageReader(Bytes(body=b"y" * 50), Frames(), budget, lists=1, by_frame=True, depth=2).read(
        frame_records([200])
    )
    first = next(parts)
    parts.close()
    budget.add(-sum(record.nbytes for record in first))
    assert drained(budget)
