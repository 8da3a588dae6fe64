"""Drivers that have joined a cluster which others started: nodes are lost, drivers killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ray_cluster import TokenCluster
from tests.support.toy_worker import committed, notes
from tests.support.waiting import alive, wait_for


@pytest.fixture(scope="module")
def standing() -> Iterator[TokenCluster]:
    """A cluster that other nodes and other drivers join: one that a session starts is for that session alone. Its head
    soon notices that a node is gone."""
    soon = {"period_ms": "300", "timeout_ms": "1000", "failure_threshold": "3"}
    cluster = TokenCluster(2, variables={f"RAY_health_check_{name}": value for name, value in soon.items()})
    try:
        cluster.wait()
        yield cluster
    finally:
        cluster.stop()


JOINED = """
import sys
from cluster.session import Session, SessionSettings
from cluster.pool.contract import PoolSettings, WorkerLost
from cluster.pool.dispatch import Dispatcher
from schemas.work import ShardTask
with Session(SessionSettings(address=sys.argv[1])):
    from cluster.pool.ray_pool import RayHost, WorkerResources
    def host(cpus):
        resources = WorkerResources(cpus=cpus)
        return RayHost("tests.support.toy_worker:build", {"directory": sys.argv[2], "seconds": 0.3}, resources)
"""
"""A driver in a process of its own, which has joined a cluster: what follows is indented."""


def joined(standing: TokenCluster, directory: Path, script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", JOINED + textwrap.indent(script, "    "), standing.address, str(directory)],
        env=standing.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


LOST = """
place = host(5)
handle = place.spawn()
while (poll := handle.poll()) is None or not poll.ready:
    place.wait(0.05)
handle.offer(ShardTask(1))
print(poll.info["pid"], flush=True)
input()
try:
    while True:
        handle.poll()
        place.wait(0.05)
except WorkerLost as lost:
    print(lost.kind, flush=True)
"""


def test_a_lost_node_is_the_cluster_s_fault(standing: TokenCluster, tmp_path: Path) -> None:
    ray_command = str(Path(sys.executable).with_name("ray"))
    node = subprocess.Popen(
        [ray_command, "start", f"--address={standing.address}", "--num-cpus=6", "--num-gpus=0", "--block"],
        env=standing.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    driver = joined(standing, tmp_path, LOST)
    try:
        assert driver.stdout is not None
        worker = int(driver.stdout.readline())
        os.killpg(node.pid, signal.SIGKILL)
        for pid in _raylets_of(worker):
            os.kill(pid, signal.SIGKILL)
        said, _ = driver.communicate("\n", timeout=180)
        assert said.split() == ["node"]
    finally:
        driver.kill()
        driver.wait()
        node.kill()
        node.wait()


def _raylets_of(worker: int) -> list[int]:
    """The process that started a worker, which is its node's raylet, unless it is gone already."""
    try:
        parent = int(Path(f"/proc/{worker}/stat").read_text().rsplit(")")[1].split()[1])
        return [parent] if "raylet" in Path(f"/proc/{parent}/cmdline").read_text() else []
    except OSError:
        return []


MANY = "Dispatcher(host(1), PoolSettings(min_workers=2, max_workers=2)).run(range(1000))"
REST = """
done = Dispatcher(host(1), PoolSettings(min_workers=2, max_workers=2)).run(map(int, input().split()))
print(done.outcome, flush=True)
"""


def test_when_the_driver_is_killed_its_workers_go_and_the_next_driver_finishes(
    standing: TokenCluster, tmp_path: Path
) -> None:
    driver = joined(standing, tmp_path, MANY)
    try:
        wait_for(lambda: len(committed(tmp_path)) > 3, 60)
    finally:
        driver.kill()
        driver.wait()
    wait_for(lambda: not any(alive(start["pid"]) for start in notes(tmp_path, "start")))
    left = set(range(12)) - set(committed(tmp_path))
    said, _ = joined(standing, tmp_path, REST).communicate(" ".join(map(str, sorted(left))) + "\n", timeout=180)
    assert said.split() == ["complete"]
    assert set(range(12)) <= set(committed(tmp_path))
