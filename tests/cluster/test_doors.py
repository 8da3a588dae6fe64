"""What this machine's other users and other machines reach of what is started here: nothing without credentials."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.embedded_s3 import EmbeddedS3
from tests.support.doors import NOBODY, asked, doors, is_root, other_address, sockets

RAY = """
import sys
from pathlib import Path
from cluster.session import Session, SessionSettings
with Session(SessionSettings(cpus=1)):
    import ray
    from ray._private.worker import global_worker
    class Sits:
        def here(self): return 1
    actor = ray.remote(Sits).remote()
    ray.get(actor.here.remote())
    print(global_worker.node.get_session_dir_path(), flush=True)
    sys.stdin.read()
"""
GONE = {"ConnectionRefusedError", "TimeoutError", "OSError"}
REFUSED = {"400", "401", "403", "404", "405", "501", "BadStatusLine", "RemoteDisconnected", "ConnectionResetError"}

needs_root = pytest.mark.skipif(not is_root(), reason="only root can become another user")


@pytest.fixture(scope="module")
def ray_node() -> Iterator[tuple[int, Path]]:
    """The process that a cluster of its own was started by, and the folder of Ray's session."""
    with subprocess.Popen(
        [sys.executable, "-c", RAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.pid, Path(process.stdout.readline().strip())
        process.communicate(timeout=180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    with EmbeddedS3(tmp_path_factory.mktemp("doors") / "s3", "demo") as server:
        yield server


def test_every_port_of_ray_is_on_loopback(ray_node: tuple[int, Path]) -> None:
    found = doors(ray_node[0])
    assert {"gcs_server", "raylet"} <= {door.process for door in found}
    assert {door.address for door in found} == {"127.0.0.1"}, found


def test_the_agent_that_serves_metrics_to_anybody_has_no_port(ray_node: tuple[int, Path]) -> None:
    assert "dashboard/agent.py" not in {door.process for door in doors(ray_node[0])}


def test_no_port_of_ray_answers_at_another_address(ray_node: tuple[int, Path]) -> None:
    ports = [(other_address(), door.port) for door in doors(ray_node[0])]
    for port, answers in asked(ports)["ports"].items():
        assert set(answers) <= GONE, (port, answers)


@needs_root
def test_another_user_gets_into_no_folder_and_no_socket_of_ray(ray_node: tuple[int, Path]) -> None:
    pid, session = ray_node
    folders = [session, session / "logs", session / "sockets", session.parent, session.parent.parent]
    found = asked([], sockets(pid), folders, NOBODY)
    assert set(found["folders"].values()) == {"PermissionError"}
    assert found["sockets"]
    assert set(found["sockets"].values()) == {"PermissionError"}
    assert session.parent.parent.stat().st_mode & 0o777 == 0o700


@needs_root
def test_another_user_without_the_token_gets_no_answer_of_ray(ray_node: tuple[int, Path]) -> None:
    ports = [("127.0.0.1", door.port) for door in doors(ray_node[0])]
    for port, answers in asked(ports, user=NOBODY)["ports"].items():
        assert not [answer for answer in answers if answer not in REFUSED], (port, answers)


def test_nobody_without_credentials_reads_or_writes_at_a_port_of_the_s3_server(server: EmbeddedS3) -> None:
    assert server.pid is not None
    found = doors(server.pid)
    assert {door.address for door in found} == {"127.0.0.1"}
    ports = [("127.0.0.1", door.port) for door in found]
    for port, answers in asked(ports, user=NOBODY if is_root() else None)["ports"].items():
        assert not [answer for answer in answers if answer not in REFUSED], (port, answers)
    for port, answers in asked([(other_address(), door.port) for door in found])["ports"].items():
        assert set(answers) <= GONE, (port, answers)


@needs_root
def test_another_user_reads_neither_the_objects_nor_the_keys_of_the_s3_server(server: EmbeddedS3) -> None:
    assert server.pid is not None
    paths = sockets(server.pid)
    keys = {Path(path).parent for path in paths} - {Path("/tmp")}
    assert keys
    found = asked([], paths, [server.directory, *keys], NOBODY)
    assert set(found["folders"].values()) == {"PermissionError"}
    assert set(found["sockets"].values()) == {"PermissionError"}
