"""A place for one child: one is started when it is needed, and a dead one is replaced."""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from schemas.errors import InfrastructureError, MissingExtraError
from workers.children.contract import Request
from workers.children.host import START_ATTEMPTS, Host, HostStopped


def host_of(entry: str = "build") -> Host:
    job = json.dumps({"entry": f"tests.support.decoders:{entry}", "settings": {}}).encode()
    return Host(job, None)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = host_of()
    yield host
    host.drop()


def test_no_child_runs_before_the_first_question() -> None:
    assert host_of().pid is None


def test_one_child_serves_until_it_dies_and_then_another_does(host: Host) -> None:
    answer = host.ask([Request(b"echo a")])
    first = host.pid
    assert answer.end == "complete"
    assert host.ask([Request(b"echo b")]).results[0].meta["pid"] == first
    assert first is not None
    os.kill(first, signal.SIGKILL)
    while host._child is not None and host._child.alive:
        time.sleep(0.002)
    assert host.ask([Request(b"echo c")]).results[0].meta["pid"] == host.pid != first


def test_a_death_in_a_chunk_is_logged_by_place_and_cause_only(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "workers.children.host"):
        answer = host.ask([Request(b"echo name-of-a-patient"), Request(b"exit 3")])
    assert (answer.end, len(answer.results), answer.cause) == ("died", 1, "exit code 3")
    assert caplog.messages == ["a decoding process ended at record 1 of a chunk of 2: died (exit code 3)"]


def test_a_child_that_starts_in_no_attempt_is_an_infrastructure_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr("workers.children.host._FIRST_PAUSE_S", 0.001)
    host = host_of()
    with pytest.raises(InfrastructureError, match=r"3 times in a row .*/nowhere/python.*packages are installed"):
        host.ready()
    assert START_ATTEMPTS == 3
    assert host.pid is None


def test_a_missing_package_is_said_at_once_since_trying_again_cannot_help() -> None:
    began = time.monotonic()
    host = host_of("build_missing_extra")
    with pytest.raises(MissingExtraError, match="nosuchpackage"):
        host.ready()
    assert host.pid is None
    assert time.monotonic() - began < 30


def test_a_stopped_host_starts_nothing() -> None:
    host = host_of()
    host.stop()
    with pytest.raises(HostStopped):
        host.ask([Request(b"echo a")])
    assert host.pid is None


def test_what_a_stop_kills_is_no_records_fault() -> None:
    host = host_of()
    child = host.ready()
    host.stop()
    with pytest.raises(HostStopped):
        host.ask([Request(b"echo a")])
    assert not child.alive
    host.drop()
