"""The same results from threads as from children, crashes apart."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import closing

import numpy as np
import pytest

from schemas.errors import InfrastructureError, MissingExtraError, WardroundError
from schemas.status import Status
from workers.children.child_pool import ChildPool
from workers.children.contract import Request
from workers.children.inline_pool import MOST_LEFT_BEHIND, InlinePool

BUILD = "tests.support.decoders:build"


def test_threads_and_children_give_the_same_results() -> None:
    chunk = [
        Request(b"echo a", {"x": 1}),
        Request(b"unreadable"),
        Request(b"shapes"),
        Request(b"echo "),
        Request(b"allocate 9"),
    ]
    with closing(InlinePool(BUILD, {"s": 1}, 2)) as threads, closing(ChildPool(BUILD, {"s": 1}, 1)) as children:
        for one, other in zip(threads.submit(chunk).result(), children.submit(chunk).result(), strict=True):
            assert (one.status, one.detail) == (other.status, other.detail)
            assert one.meta.keys() == other.meta.keys()
            for left, right in zip(one.arrays, other.arrays, strict=True):
                np.testing.assert_array_equal(left, right, strict=True)


def test_a_record_that_runs_out_of_memory_is_too_large() -> None:
    with closing(InlinePool(BUILD, {}, 1)) as pool:
        results = pool.submit([Request(f"allocate {2**60}".encode()), Request(b"echo a")]).result()
    assert [result.status for result in results] == [Status.TOO_LARGE, None]


def test_a_bug_fails_its_chunk_without_a_word_of_content() -> None:
    with (
        closing(InlinePool(BUILD, {}, 1)) as pool,
        pytest.raises(WardroundError, match="IndexError in tests") as caught,
    ):
        pool.submit([Request(b"bug content")]).result()
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_entry_that_cannot_be_built_is_told_at_once() -> None:
    with pytest.raises(MissingExtraError):
        InlinePool("tests.support.decoders:build_missing_extra", {}, 1)
    with pytest.raises(WardroundError, match="module:function"):
        InlinePool("tests.support.decoders", {}, 1)


def test_close_cancels_what_waits_and_what_runs_at_its_next_record() -> None:
    pool = InlinePool(BUILD, {}, 1)
    running = pool.submit([Request(b"sleep 0.3"), Request(b"sleep 60")])
    waiting = pool.submit([Request(b"sleep 60")])
    time.sleep(0.05)
    pool.close()
    pool.close()
    for future in (running, waiting, pool.submit([Request(b"echo")])):
        with pytest.raises(CancelledError):
            future.result(5)


def test_a_record_that_does_not_end_is_timed_out_and_its_neighbours_are_decoded() -> None:
    with InlinePool(BUILD, {}, 1, record_timeout_s=0.3) as pool:
        chunks = [[Request(b"echo a"), Request(b"sleep 60"), Request(b"echo b")], [Request(b"echo c")]]
        began = time.monotonic()
        results = [pool.submit(chunk) for chunk in chunks]
        assert [one.status for one in results[0].result(50)] == [None, Status.TIMED_OUT, None]
        assert [one.status for one in results[1].result(50)] == [None]
        assert time.monotonic() - began < 50


def test_many_quick_records_of_one_chunk_are_not_late_together() -> None:
    with InlinePool(BUILD, {}, 1, record_timeout_s=0.3) as pool:
        results = pool.submit([Request(b"sleep 0.1")] * 8).result(50)
    assert {one.status for one in results} == {None}


def test_threads_that_never_end_are_not_heaped_up() -> None:
    count = MOST_LEFT_BEHIND + 3
    with (
        InlinePool(BUILD, {}, 1, record_timeout_s=0.05) as pool,
        pytest.raises(InfrastructureError, match=r"compute\.decode: processes"),
    ):
        pool.submit([Request(b"sleep 60")] * count).result(20)


def test_the_pool_itself_costs_less_than_fifty_microseconds_a_record() -> None:
    chunk = [Request(b"x")] * 2000
    with closing(InlinePool("tests.support.decoders:build_copy", {}, 1)) as pool:
        pool.submit(chunk).result()
        best = min(_seconds(pool, chunk) for _ in range(5))
    assert best / len(chunk) < 50e-6


def _seconds(pool: InlinePool, chunk: list[Request]) -> float:
    began = time.perf_counter()
    pool.submit(chunk).result()
    return time.perf_counter() - began
