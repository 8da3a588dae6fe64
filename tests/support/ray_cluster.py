"""A real Ray cluster that asks for a token, started as an operator starts one, on ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

TOKEN = "0123456789abcdef" * 4


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TokenCluster:
    """`ray start --head --block` with RAY_AUTH_MODE=token. Everything that it starts ends with it."""

    def __init__(
        self,
        cpus: int = 2,
        *,
        gpus: int = 0,
        path: Path | None = None,
        hostname: str | None = None,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`gpus`: how many it says it has. `path`: a folder more on the path of its processes. `hostname`: it takes
        itself for another machine, which only root can make it. `variables` are of its environment."""
        self._path = path
        self._variables = variables
        self.directory = Path(tempfile.mkdtemp(prefix="wr-t-", dir="/tmp"))
        self.address = f"127.0.0.1:{free_port()}"
        self.dashboard = f"http://127.0.0.1:{free_port()}"
        command = [
            *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"),
            *("--node-ip-address=127.0.0.1", f"--port={self.address.rsplit(':')[1]}", f"--num-cpus={cpus}"),
            f"--num-gpus={gpus}",
            *("--dashboard-host=127.0.0.1", f"--dashboard-port={self.dashboard.rsplit(':')[-1]}"),
            # Two clusters on one machine must not share the port of the agents that take jobs.
            *(f"--dashboard-agent-listen-port={free_port()}", f"--dashboard-agent-grpc-port={free_port()}"),
            *(f"--temp-dir={self.directory}", f"--object-store-memory={100 * 2**20}"),
        ]
        if hostname is not None:
            command = ["unshare", "--uts", "sh", "-c", f'hostname {hostname} && exec "$@"', "sh", *command]
        self._process = subprocess.Popen(
            command,
            env=self.environment(),
            stdout=(self.directory / "ray-start.log").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def environment(self, token: str = TOKEN) -> dict[str, str]:
        """What a process needs to speak to the cluster."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        root = os.pathsep.join(str(one) for one in (Path(__file__).parents[2], self._path) if one is not None)
        auth = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
        path = f"{Path(sys.executable).parent}:{clean.get('PATH', '')}"
        return {**clean, "PATH": path, "PYTHONPATH": root, **auth, **self._variables}

    def wait(self, seconds: float = 90) -> None:
        """Return once jobs can be submitted."""
        end = time.monotonic() + seconds
        request = urllib.request.Request(f"{self.dashboard}/api/jobs/", headers={"Authorization": f"Bearer {TOKEN}"})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as reply:
                    reply.read()
                    return
            except (OSError, urllib.error.HTTPError) as error:
                if time.monotonic() > end or self._process.poll() is not None:
                    log = (self.directory / "ray-start.log").read_text()[-2000:]
                    raise RuntimeError(f"the cluster did not start: {error}\n{log}") from error
                time.sleep(0.2)

    def stop(self) -> None:
        """End every process that was started for this cluster."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in self._left():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _left(self) -> list[int]:
        left = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.directory) in path.read_text():
                    left.append(int(path.parent.name))
            except OSError:
                continue
        return left
