"""What becomes of records, and of the pool, when children die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from pathlib import Path

import pytest

from schemas.errors import InfrastructureError, MissingExtraError
from schemas.status import Status
from workers.children.child_pool import ChildPool
from workers.children.contract import Request, Result

BUILD = "tests.support.decoders:build"


@pytest.fixture(scope="module")
def pool() -> Iterator[ChildPool]:
    with closing(ChildPool(BUILD, {}, 1, record_timeout_s=1.0)) as pool:
        yield pool


def chunk(*deeds: str) -> list[Request]:
    return [Request(deed.encode()) for deed in deeds]


def outcome(results: list[Result]) -> list[str]:
    return [str(result.status or result.arrays[0].tobytes().decode()) for result in results]


@pytest.mark.parametrize(
    ("deed", "cause"), [("segfault", "signal 11"), ("exit 3", "exit code 3"), ("kill", "signal 9")]
)
def test_a_record_that_kills_its_process_twice_is_named_and_its_neighbours_are_decoded(
    pool: ChildPool, deed: str, cause: str
) -> None:
    results = pool.submit(chunk("echo a", "echo b", deed, "echo c")).result()
    assert outcome(results) == ["a", "b", "crashed_worker", "c"]
    assert results[2].detail == f"killed the decoding process twice ({cause})"
    assert {results[0].meta["pid"], results[3].meta["pid"]} == {results[1].meta["pid"], pool.pids[0]}
    assert results[0].meta["pid"] != results[3].meta["pid"]


def test_a_record_that_kills_once_is_decoded_at_the_second_try(pool: ChildPool, tmp_path: Path) -> None:
    results = pool.submit(chunk("echo a", f"segfault-once {tmp_path}/done", "echo c")).result()
    assert outcome(results) == ["a", f"{tmp_path}/done", "c"]


def test_a_chunk_of_killers_ends(pool: ChildPool) -> None:
    assert outcome(pool.submit(chunk("exit 1", "exit 2", "exit 3")).result()) == ["crashed_worker"] * 3


def test_a_record_that_takes_too_long_is_timed_out_at_once_and_its_neighbours_are_decoded(pool: ChildPool) -> None:
    began = time.monotonic()
    results = pool.submit(chunk("echo a", "sleep 60", "echo c")).result()
    assert outcome(results) == ["a", "timed_out", "c"]
    assert time.monotonic() - began < 500


def test_the_time_limit_is_for_a_record_not_for_a_chunk(pool: ChildPool) -> None:
    assert outcome(pool.submit(chunk(*["sleep 0.3"] * 6)).result()) == ["0.3"] * 6


def test_a_child_killed_while_idle_is_replaced(pool: ChildPool) -> None:
    pool.submit(chunk("echo a")).result()
    os.kill(pool.pids[0], signal.SIGKILL)
    assert outcome(pool.submit(chunk("echo b")).result()) == ["b"]


def test_a_record_that_needs_too_much_memory_is_too_large_and_its_neighbours_are_decoded(pool: ChildPool) -> None:
    results = pool.submit(chunk("allocate 5", f"allocate {2**60}", "echo c")).result()
    assert [result.status for result in results] == [None, Status.TOO_LARGE, None]
    assert "memory" in results[1].detail


def test_the_armed_crash_point_kills_at_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROUND_CRASH_AT", "decode.record:1:bad")
    with closing(ChildPool(BUILD, {}, 1)) as pool:
        requests = [Request(b"echo a", record_id="good"), Request(b"echo b", record_id="bad")]
        assert outcome(pool.submit(requests).result()) == ["a", "crashed_worker"]


def test_children_are_gone_within_two_seconds_of_their_parents_sigkill() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.support.orphans", "60"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(_lives(pid) for pid in pids)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 2
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_missing_package_is_reported_as_such_to_every_chunk() -> None:
    with closing(ChildPool("tests.support.decoders:build_missing_extra", {}, 1)) as pool:
        for _ in range(2):
            with pytest.raises(MissingExtraError, match=r"nosuchpackage.*wardround\[images\]"):
                pool.submit(chunk("echo a")).result(20)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("tests.support.decoders:build_broken", "exit code 1, ImportError: libnothing.so"),
        ("tests.support.nowhere:build", "ModuleNotFoundError"),
        ("tests.support.decoders:build_dying", "signal 9"),
    ],
)
def test_children_that_cannot_start_end_as_an_infrastructure_error_that_names_the_cause(entry: str, said: str) -> None:
    with closing(ChildPool(entry, {}, 1)) as pool, pytest.raises(InfrastructureError, match=said):
        pool.submit(chunk("echo a")).result(20)


def test_a_child_that_hangs_at_its_start_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.children.host._START_TIMEOUT_S", 0.001)
    with closing(ChildPool(BUILD, {}, 1)) as pool, pytest.raises(InfrastructureError, match="not ready in time"):
        pool.submit(chunk("echo a")).result(20)
    assert pool.pids == []


def test_close_cancels_what_runs_and_what_waits_and_leaves_no_process() -> None:
    pool = ChildPool(BUILD, {}, 1)
    pool.submit(chunk("echo a")).result()
    pids = pool.pids
    futures = [pool.submit(chunk("sleep 60")) for _ in range(3)]
    time.sleep(0.1)
    began = time.monotonic()
    pool.close()
    pool.close()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(5)
    with pytest.raises(CancelledError):
        pool.submit(chunk("echo late")).result(5)
    assert time.monotonic() - began < 50
    assert not any(_lives(pid) for pid in pids)


def test_a_chunk_cancelled_by_its_owner_is_not_decoded(pool: ChildPool, tmp_path: Path) -> None:
    busy = pool.submit(chunk("sleep 0.5"))
    waiting = pool.submit(chunk(f"segfault-once {tmp_path}/touched"))
    assert waiting.cancel()
    assert outcome(busy.result()) == ["0.5"]
    assert outcome(pool.submit(chunk("echo a")).result()) == ["a"]
    assert not (tmp_path / "touched").exists()


def test_deaths_leave_no_descriptor_behind(pool: ChildPool) -> None:
    pool.submit(chunk("exit 1", "echo a")).result()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        pool.submit(chunk("echo a", "exit 1")).result()
    pool.submit(chunk("echo a")).result()
    assert len(os.listdir("/proc/self/fd")) == before
