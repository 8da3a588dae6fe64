"""One `ray start` cluster of its own, and the processes in it that may be killed."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ACTOR = "ray::WorkerEntry"
"""Only these: a node ends with the agents that Ray runs beside its raylet."""


class StandingCluster:
    """A head node with token authentication on free ports; only its own processes are ever touched."""

    def __init__(self, folder: Path, cpus: int) -> None:
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        token = folder / "ray-token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.env = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.env |= {"RAY_ADDRESS": self.address, "RAY_USAGE_STATS_ENABLED": "0"}
        # Each driver would have as many idle workers started as there are processors, and the next one again.
        self.env["RAY_prestart_worker_first_driver"] = "0"
        self._temp = tempfile.mkdtemp(prefix="wr-ray-", dir="/tmp")  # Ray's socket paths must stay short
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", f"--port={self.port}"]
        command += [f"--num-cpus={cpus}", "--include-dashboard=false", "--disable-usage-stats"]
        command += ["--object-store-memory=200000000", f"--temp-dir={self._temp}", "--node-ip-address=127.0.0.1"]
        env = {key: value for key, value in self.env.items() if key != "RAY_ADDRESS"}
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    def worker_pids(self) -> list[int]:
        """Processes of actors that run now."""
        raylets = [pid for pid in _pids() if self._is_ours(pid, "raylet")]
        return [pid for pid in _pids() if _parent(pid) in raylets and _cmdline(pid).startswith(_ACTOR)]

    def _is_ours(self, pid: int, name: str) -> bool:
        line = _cmdline(pid)
        return name in line.split(" ")[0] and self._temp in line

    def close(self) -> None:
        """Kill every process of this cluster."""
        for _ in range(3):
            for pid in [pid for pid in _pids() if self._temp in _cmdline(pid)] + self.worker_pids():
                _kill(pid)
            time.sleep(0.2)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
