"""One `ray start` cluster of its own, and the processes in it that may be killed."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.chaos.processes import command_line, descendants, pids, send


class StandingCluster:
    """A head node with token authentication on free ports; only its own processes are ever touched."""

    def __init__(self, folder: Path, cpus: int, environment: Mapping[str, str]) -> None:
        """`environment` is that of its workers."""
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        token = folder / "ray-token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.env = {**environment, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.env |= {"RAY_ADDRESS": self.address, "RAY_USAGE_STATS_ENABLED": "0"}
        # Each driver would have as many idle workers started as there are processors, and the next one again.
        self.env["RAY_prestart_worker_first_driver"] = "0"
        self._temp = tempfile.mkdtemp(prefix="wr-ray-", dir="/tmp")  # Ray's socket paths must stay short
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", f"--port={self.port}"]
        command += [f"--num-cpus={cpus}", "--include-dashboard=false", "--disable-usage-stats"]
        command += ["--object-store-memory=200000000", f"--temp-dir={self._temp}", "--node-ip-address=127.0.0.1"]
        env = {key: value for key, value in self.env.items() if key != "RAY_ADDRESS"}
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    @property
    def env_of_drivers(self) -> dict[str, str]:
        """What a driver needs to join it."""
        return {name: value for name, value in self.env.items() if name.startswith("RAY_")}

    def processes(self) -> set[int]:
        """All of them that run now."""
        own = {pid for pid in pids() if self._temp in command_line(pid)}
        return own | descendants(own)

    def close(self) -> None:
        """Kill every process of this cluster."""
        for _ in range(3):
            for pid in self.processes():
                send(pid, signal.SIGKILL)
            time.sleep(0.2)
        shutil.rmtree(self._temp, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
