"""Order, content, cleanliness: what a pool of children promises while nothing dies."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import WardroundError
from schemas.status import Status
from workers.children.child_pool import ChildPool
from workers.children.contract import Request

BUILD = "tests.support.decoders:build"


@pytest.fixture(scope="module")
def pool() -> Iterator[ChildPool]:
    with closing(ChildPool(BUILD, {"a": 1}, 2)) as pool:
        yield pool


def text(array: np.ndarray) -> str:
    return array.tobytes().decode()


def test_results_come_in_the_order_of_the_requests_of_every_chunk(pool: ChildPool) -> None:
    futures = [pool.submit([Request(f"echo {c}.{i}".encode()) for i in range(30)]) for c in range(20)]
    answers = [[text(result.arrays[0]) for result in future.result()] for future in futures]
    assert answers == [[f"{c}.{i}" for i in range(30)] for c in range(20)]


def test_settings_and_context_arrive(pool: ChildPool) -> None:
    (result,) = pool.submit([Request(b"echo x", {"members": [1, None]}, "bad/key")]).result()
    assert result.meta["a"] == 1
    assert result.meta["context"] == {"members": [1, None]}
    assert result.status is None
    assert result.seconds > 0


def test_all_children_work(pool: ChildPool) -> None:
    futures = [pool.submit([Request(b"sleep 0.2")]) for _ in range(4)]
    assert {future.result()[0].meta["pid"] for future in futures} == set(pool.pids)
    assert len(pool.pids) == 2


def test_an_empty_chunk_gives_an_empty_list(pool: ChildPool) -> None:
    assert pool.submit([]).result() == []


def test_a_record_error_becomes_the_status_of_its_record_only(pool: ChildPool) -> None:
    results = pool.submit([Request(b"echo a"), Request(b"unreadable"), Request(b"echo b")]).result()
    assert [result.status for result in results] == [None, Status.UNREADABLE, None]
    assert results[1].detail == "it is truncated"
    assert list(results[1].arrays) == []


def test_arrays_of_every_layout_come_back_equal_and_writable(pool: ChildPool) -> None:
    (result,) = pool.submit([Request(b"shapes")]).result()
    whole = np.arange(24, dtype=">i2").reshape(4, 6)
    expected = [
        whole[::2, ::-3],
        whole,
        np.array(2.5),
        np.empty((0, 7), np.float32),
        np.array([np.nan, np.inf, -np.inf], np.float32),
        np.array([[True], [False]]),
        np.full((2, 2), 3, np.uint8),
    ]
    for got, want in zip(result.arrays, expected, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want, strict=True)
        got[...] = 0
    assert result.meta["tuple"] == [1, 2]


def test_arrays_are_aligned_views_of_one_memory_that_outlives_the_pool() -> None:
    with closing(ChildPool(BUILD, {}, 1)) as pool:
        first, second = pool.submit([Request(b"allocate 1001"), Request(b"allocate 77")]).result()
    assert not first.arrays[0].flags.owndata
    assert [result.arrays[0].ctypes.data % 64 for result in (first, second)] == [0, 0]
    kept = second.arrays[0]
    del first, second
    gc.collect()
    assert kept.sum() == 77


def test_two_hundred_megabytes_pass_both_ways_unchanged() -> None:
    data = np.random.default_rng(0).integers(0, 255, 200_000_000, np.uint8)
    with closing(ChildPool("tests.support.decoders:build_copy", {}, 1)) as pool:
        small, large, empty = pool.submit([Request(b"ab"), Request(data.data), Request(b"")]).result()
    assert np.array_equal(large.arrays[0], data)
    assert text(small.arrays[0]) == "ab"
    assert empty.arrays[0].shape == (0,)
    assert large.meta["read_only"]


def test_a_child_imports_neither_torch_nor_ray_nor_boto3_nor_transformers(pool: ChildPool) -> None:
    (result,) = pool.submit([Request(b"modules")]).result()
    roots = {name.partition(".")[0] for name in result.meta["modules"]}
    assert roots.isdisjoint({"torch", "ray", "boto3", "botocore", "transformers", "pyarrow", "pydantic", "cluster"})
    assert "workers" in roots


def test_a_child_has_one_thread_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("EXTRA", "x")
    with closing(ChildPool(BUILD, {}, 1)) as pool:
        (result,) = pool.submit([Request(b"facts")]).result()
    assert result.meta["threads"] == 1
    assert result.meta["env"] == {"OMP_NUM_THREADS": "1", "AWS_SECRET_ACCESS_KEY": None, "EXTRA": "x"}


def test_opencv_has_one_thread_in_a_child() -> None:
    with closing(ChildPool("tests.support.decoders:build_png", {}, 1)) as pool:
        pool.submit([Request(b"no image")]).result()
        assert len(os.listdir(f"/proc/{pool.pids[0]}/task")) == 1


def test_five_hundred_chunks_leave_no_descriptor_behind(pool: ChildPool) -> None:
    def facts() -> tuple[int, dict[int, int]]:
        fds = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in pool.pids}
        return len(os.listdir("/proc/self/fd")), fds

    for future in [pool.submit([Request(b"echo warm")]) for _ in range(8)]:
        future.result()
    before = facts()
    kept = [pool.submit([Request(b"allocate 5000"), Request(b"unreadable")]) for _ in range(500)]
    arrays = [future.result()[0].arrays[0] for future in kept]
    assert facts() == before
    assert _shared_mappings() >= len(arrays)
    del arrays, kept
    gc.collect()
    assert _shared_mappings() < 20


def _shared_mappings() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:wardround")


def test_what_a_decoder_prints_goes_nowhere(pool: ChildPool, capfd: pytest.CaptureFixture[str]) -> None:
    pool.submit([Request(b"shout")]).result()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("deed", "said"), [("bug", "IndexError in tests.support.decoders"), ("objects", "numeric"), ("unspeakable", "JSON")]
)
def test_a_bug_of_the_decoder_fails_its_chunk_without_a_word_of_content(pool: ChildPool, deed: str, said: str) -> None:
    future = pool.submit([Request(b"echo a"), Request(f"{deed} content".encode()), Request(b"echo b")])
    with pytest.raises(WardroundError, match=said) as caught:
        future.result()
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert text(pool.submit([Request(b"echo on")]).result()[0].arrays[0]) == "on"


def test_settings_that_json_cannot_carry_are_refused_at_once() -> None:
    with pytest.raises(TypeError):
        ChildPool(BUILD, {"a": object()}, 1)


def test_a_context_that_json_cannot_carry_fails_its_chunk_only(pool: ChildPool) -> None:
    with pytest.raises(TypeError):
        pool.submit([Request(b"echo", {"a": object()})]).result()
    assert pool.submit([Request(b"echo")]).result()[0].status is None


def test_bytes_that_are_shared_reach_every_child_and_every_chunk(pool: ChildPool) -> None:
    shared, other = pool.share(b"echo shared"), pool.share(b"echo other")
    chunk = [Request(shared), Request(b"echo own"), Request(other), Request(shared)]
    futures = [pool.submit(chunk) for _ in range(4)]
    for future in futures:
        assert [text(result.arrays[0]) for result in future.result()] == ["shared", "own", "other", "shared"]
    assert bytes(shared.view) == b"echo shared"
