"""A local node without the servers that it does not need, and a whole one where Ray is built otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ray._private import node

from cluster.bare_node import bare_node

SERVERS = ["start_monitor", "start_log_monitor", "start_api_server"]


def test_the_servers_are_left_out_inside_the_block_only() -> None:
    kept = {name: getattr(node.Node, name) for name in SERVERS}
    with bare_node():
        assert {getattr(node.Node, name)(None, raise_on_failure=True) for name in SERVERS} == {None}
    assert {name: getattr(node.Node, name) for name in SERVERS} == kept


def test_a_ray_without_one_of_the_methods_is_started_with_the_rest_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(node.Node, "start_log_monitor")
    with bare_node():
        assert not hasattr(node.Node, "start_log_monitor")
        assert node.Node.start_monitor(None) is None
    assert not hasattr(node.Node, "start_log_monitor")


def test_a_ray_that_keeps_its_node_elsewhere_is_started_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(node, "Node")
    with bare_node():
        pass
    assert not hasattr(node, "Node")


def test_a_session_starts_whole_and_works_where_the_methods_have_other_names() -> None:
    script = (
        "import ray\nfrom cluster import bare_node\nfrom cluster.session import Session, SessionSettings\n"
        "bare_node._SERVERS = ('start_what_no_ray_has',)\n"
        "with Session(SessionSettings(cpus=1)):\n"
        "    print(ray.get(ray.remote(lambda: 7).remote()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.strip().endswith("7"), done.stderr
