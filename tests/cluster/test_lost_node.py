"""A cluster that is gone, under a process that joined it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster.lost_node import JOINED, NOT_STARTED, JoinedNode
from tests.support.ray_cluster import TokenCluster


def test_a_head_that_answers_again_in_time_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "1")
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = head.getsockname()
        node = JoinedNode(f"127.0.0.1:{address[1]}")
        assert not node.is_dead()
    assert not node.is_dead(), "it may be started again"
    with socket.create_server(address):
        assert not node.is_dead()
    time.sleep(0.8)
    assert node.is_dead(), "before Ray's own library ends the process, after a second"


_JOINED = """
import sys, time
from cluster.session import Session, SessionSettings
with Session(SessionSettings(address=sys.argv[1])):
    print("joined", flush=True)
    time.sleep(120)
"""


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_process_whose_cluster_ends_is_ended_with_its_own_code_and_one_line(name: str) -> None:
    cluster = TokenCluster()
    try:
        cluster.wait()
        environment = {**cluster.environment(), "RAY_gcs_rpc_server_reconnect_timeout_s": "8"}
        command = [sys.executable, "-c", _JOINED, cluster.address]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "joined\n"
        os.kill(_pid(name, cluster.directory), signal.SIGKILL)
        _, err = process.communicate(timeout=180)
    finally:
        cluster.stop()
    assert (process.returncode, err) == (4, f"wardround: {JOINED}\n")


_STARTED = """
import os, signal, threading, time, psutil
from cluster.session import Session, SessionSettings

def end_it():
    while True:
        for process in psutil.Process().children():
            if process.name() == "gcs_server":
                time.sleep(0.2)
                os.kill(process.pid, signal.SIGKILL)
                return
        time.sleep(0.01)

threading.Thread(target=end_it, daemon=True).start()
with Session(SessionSettings(cpus=1)):
    time.sleep(60)
"""


@pytest.mark.ray
@pytest.mark.long
def test_a_head_that_ends_while_ray_connects_to_it_ends_the_process_in_time() -> None:
    done = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True, timeout=180, check=False)
    assert (done.returncode, done.stderr) == (4, f"wardround: {NOT_STARTED}\n")


def _pid(name: str, directory: Path) -> int:
    return next(
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and process.info["cmdline"][0].endswith(f"/{name}")
        and any(str(directory) in word for word in process.info["cmdline"])
    )
