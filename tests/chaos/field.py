"""What all seeds of a campaign share: the S3 server and the standing cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3
from tests.chaos.blows import HOLDS
from tests.chaos.processes import send
from tests.chaos.standing_cluster import StandingCluster

Driver = subprocess.Popen[bytes]
_STANDING_CPUS = 4
_HOLDS = ",".join(f"{point}={seconds:g}" for point, seconds in HOLDS.items())


def environment(passed: Path, **more: str) -> dict[str, str]:
    """Variables of a driver whose points are held, and told of in `passed`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    # Ray waits a minute for a head that is gone.
    clean |= {"RAY_gcs_rpc_server_reconnect_timeout_s": "12"}
    clean |= {"RAY_prestart_worker_first_driver": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**clean, "WARDROUND_HOLD_AT": _HOLDS, "WARDROUND_HOLD_LOG": str(passed), **more}


@dataclass
class Field:
    """Server and cluster may be ended by one seed while others use them; each is started again on what it had."""

    folder: Path
    server: EmbeddedS3
    standing: StandingCluster | None = None
    standing_use: threading.Lock = field(default_factory=threading.Lock)
    _server_use: threading.Lock = field(default_factory=threading.Lock)
    # The kernel ends a server with the thread that started it, and seeds' threads end before their campaign.
    _keeper: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def start(self, spec: Path, passed: Path, env: Mapping[str, str]) -> Driver:
        """The command that a person gives, in a process group of its own."""
        said = {**environment(passed), **env}
        command = [sys.executable, "-m", "jobs", "run", str(spec), "--progress", "none"]
        with spec.with_suffix(".log").open("ab") as out:
            return subprocess.Popen(
                command, env=said, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def strike_server(self, number: signal.Signals, pause: float) -> bool:
        """Stop the S3 server for so long, or end it and start it again then; whether it was there to be met."""
        with self._server_use:
            pid = self.server.pid
            if pid is None or not send(pid, number):
                return False
            time.sleep(pause)
            if number == signal.SIGSTOP:
                send(pid, signal.SIGCONT)
            else:
                self._keeper.submit(self.server.start_again).result()
            return True

    @property
    def standing_log(self) -> Path:
        """Where workers of the standing cluster tell of the points that they pass."""
        return self.folder / "standing-points"

    def renew_standing(self) -> StandingCluster:
        """The standing cluster: a fresh one where the last seed left none."""
        if self.standing is None:
            said = environment(self.standing_log)
            self.standing = self._keeper.submit(StandingCluster, self.folder, _STANDING_CPUS, said).result()
        return self.standing

    def drop_standing(self) -> None:
        """It was damaged."""
        if self.standing is not None:
            self.standing.close()
            self.standing = None

    def close(self) -> None:
        """End what was started."""
        self.drop_standing()
        self._keeper.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
