"""Each session is a process of its own: Ray reads its environment once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.session import Session, SessionSettings, check_ray_version
from schemas.errors import RefusedError, UsageError
from tests.support.ray_cluster import TokenCluster

START = """
import json, sys
from cluster.session import Session, SessionSettings
from schemas.errors import WardroundError
try:
    with Session(SessionSettings.model_validate_json(sys.argv[1])) as cluster:
        assert "torch" not in sys.modules
        {body}
except WardroundError as error:
    print(type(error).__name__, error)
    sys.exit(error.exit_code)
"""


def run(body: str, settings: SessionSettings, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START.format(body=body), settings.model_dump_json()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def plain_environment(home: Path) -> dict[str, str]:
    """The environment of a user who has set nothing, and to whom Ray has written no token yet."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**clean, "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(home)}


EMBEDDED = """
        import os, signal, ray
        from pathlib import Path
        from ray._private.worker import global_worker
        print(cluster.started_here, ray.cluster_resources()["CPU"], ray.cluster_resources()["GPU"])
        print(os.environ["RAY_AUTH_MODE"], len(os.environ["RAY_AUTH_TOKEN"]))
        print(Path(global_worker.node.get_session_dir_path()).parent)
        class Dies:
            def die(self): os.kill(os.getpid(), signal.SIGSEGV)
        try: ray.get(ray.remote(Dies).remote().die.remote())
        except ray.exceptions.ActorDiedError: pass
        import time; time.sleep(1)
"""


def test_a_cluster_of_one_s_own_is_guarded_quiet_and_leaves_nothing(tmp_path: Path) -> None:
    done = run(EMBEDDED, SessionSettings(cpus=2, gpus=1), plain_environment(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["True 2.0 1.0", "token 64"]
    assert len(lines) == 3, "Ray says nothing on stdout, even of a crash"
    assert done.stderr == ""
    directory = Path(lines[2])
    assert not directory.exists()
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _mentions(path, str(directory))]
    assert left == []


def _mentions(path: Path, text: str) -> bool:
    try:
        return text in path.read_text()
    except OSError:
        return False


@pytest.mark.parametrize("by", ["RAY_ADDRESS", "settings"])
def test_a_cluster_is_joined_with_its_token_and_not_ended(token_cluster: TokenCluster, by: str) -> None:
    environment = token_cluster.environment()
    settings = SessionSettings(address=token_cluster.address)
    if by == "RAY_ADDRESS":
        environment["RAY_ADDRESS"] = token_cluster.address
        settings = SessionSettings()
    done = run("print(cluster.address, cluster.started_here)", settings, environment)
    port = token_cluster.address.rsplit(":")[1]
    assert done.stdout.strip().endswith(f":{port} False"), done.stderr


def test_a_token_alone_is_enough_to_join(token_cluster: TokenCluster) -> None:
    environment = token_cluster.environment()
    del environment["RAY_AUTH_MODE"]
    done = run("print(cluster.started_here)", SessionSettings(address=token_cluster.address), environment)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("token", ["f" * 64, None])
def test_a_wrong_or_missing_token_is_refused_with_the_remedy(
    token_cluster: TokenCluster, token: str | None, tmp_path: Path
) -> None:
    environment = token_cluster.environment(token) if token else plain_environment(tmp_path)
    done = run("print('joined')", SessionSettings(address=token_cluster.address), environment)
    assert done.returncode == 3, done.stderr
    assert "SecurityError" in done.stdout
    assert "RAY_AUTH_TOKEN_PATH" in done.stdout
    assert "f" * 64 not in done.stdout


def test_a_cluster_that_is_not_there_is_an_infrastructure_error(tmp_path: Path) -> None:
    done = run("print('joined')", SessionSettings(address="127.0.0.1:1"), plain_environment(tmp_path))
    assert done.returncode == 4, done.stderr
    assert "no Ray cluster at 127.0.0.1:1" in done.stdout


@pytest.mark.parametrize("address", ["ray://head:10001", "http://head:8265"])
def test_an_address_of_another_kind_is_refused_at_once(address: str) -> None:
    with pytest.raises(UsageError, match="submit"):
        Session(SessionSettings(address=address))


@pytest.mark.parametrize("version", ["2.54.9", "1.13.0"])
def test_a_ray_that_is_too_old_is_refused_with_the_remedy(version: str) -> None:
    with pytest.raises(RefusedError, match=r"pip install 'ray\[default\]>=2\.55'"):
        check_ray_version(version)


@pytest.mark.parametrize("version", ["2.55.0", "2.60.0rc1", "3.0.0"])
def test_a_ray_that_is_new_enough_is_taken(version: str) -> None:
    check_ray_version(version)
