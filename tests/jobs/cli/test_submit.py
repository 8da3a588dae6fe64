"""`wardround submit`, against a real cluster that asks for a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.cli.submit import run_name
from schemas.spec import parse_spec
from tests.support.cli import ROOT, Wardround, finish, spec_text, start
from tests.support.ray_cluster import TokenCluster

MakeSpec = Callable[..., Path]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TokenCluster]:
    """Started for this module."""
    started = TokenCluster()
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.mark.ray
def test_a_submitted_spec_is_run_on_the_cluster_and_its_exit_code_comes_back(
    cluster: TokenCluster, make_spec: MakeSpec, wardround: Wardround, tmp_path: Path
) -> None:
    spec = make_spec(compute="{pool: ray, shard_records: 6, batch: 4}")
    command = ("submit", spec, "--address", cluster.dashboard, "--json")
    said = finish(start(*command, **cluster.environment()), 240)
    while "No available agent" in said.err:  # for its first seconds a cluster takes no jobs: exit code 4, try again
        assert said.code == 4
        said = finish(start(*command, **cluster.environment()), 240)
    assert said.code == 0, said.err
    assert json.loads(said.out)["exit_code"] == 0
    assert "20 records in 4 shards" in said.err
    assert wardround("verify", tmp_path / "out").code == 0


@pytest.mark.ray
def test_paths_of_this_machine_are_refused_for_another_and_nothing_is_sent(
    cluster: TokenCluster, make_spec: MakeSpec
) -> None:
    # A process of its own: Ray keeps the first token that a process showed.
    elsewhere = (
        "import socket, sys; socket.gethostname = lambda: 'another-machine'; "
        "from jobs.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["submit", str(make_spec(compute="{pool: ray}")), "--address", cluster.dashboard]
    said = subprocess.run(
        [sys.executable, "-c", elsewhere, *words],
        cwd=ROOT,
        env={**os.environ, **cluster.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2, said.stderr
    assert "3 paths of the spec" in said.stderr
    assert "shared_paths: true" in said.stderr


def test_a_cluster_without_tls_that_is_not_this_machine_is_refused(wardround: Wardround, make_spec: MakeSpec) -> None:
    spec = make_spec(compute="{pool: ray}")
    said = wardround("submit", spec, "--address", "http://192.0.2.1:8265")
    assert said.code == 3
    assert "not encrypted" in said.err


def test_a_spec_for_the_serial_pool_is_not_submitted(wardround: Wardround, make_spec: MakeSpec) -> None:
    said = wardround("submit", make_spec(), "--address", "http://127.0.0.1:8265")
    assert said.code == 2
    assert "compute.pool is serial" in said.err


def test_a_run_has_one_name_for_one_output() -> None:
    def name(**keys: str) -> str:
        return run_name(parse_spec(spec_text("/archive", "/model", **keys)))

    first = name(output="{uri: s3://results/a/}", name="Äther & Co.")
    assert first == name(output="{uri: s3://results/a/}", name="Äther & Co.", compute="{workers: 3}")
    assert first != name(output="{uri: s3://results/b/}", name="Äther & Co.")
    assert first.rpartition("-")[0] == "ther-Co"
