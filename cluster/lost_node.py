"""The end of a process whose Ray node, or whose cluster's head, died under it.

Ray's library then waits a minute for it to come back, whatever is asked of it, and ends the process with code 1 and a
message of its own; or waits for ever, where only the node that the process joined is gone. So the process is ended in
time, with its own exit code.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

GRACE_S = 5.0
"""For the process to end as it would; what asks Ray anything meanwhile is stuck."""
STARTED_HERE = "the Ray node that this command started was ended from outside: the same command goes on"
NOT_STARTED = (
    "a Ray cluster could not be started on this machine: one of its processes ended, or the machine was too busy for "
    "it, before it was ready; the same command tries again"
)
JOINED = (
    "the Ray cluster that this command joined is gone, its head or the node on this machine: once there is a cluster "
    "again, the same command goes on"
)
STARTING_GRACE_S = 2.0
"""The same while the node is being started: Ray's library writes its complaints after five."""
CONNECT_TIMEOUT_S = 5.0
_VITAL = ("gcs_server", "raylet")
_PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"
_USUAL_PATIENCE_S = 60.0
"""How long Ray waits for a head that does not answer, which may be started again meanwhile."""
_OUR_SHARE = 0.75
"""The part of that patience for noticing and for ending together: the rest is for a busy machine."""


class OwnNode:
    """A node that this process starts: `processes` are its own, as they come, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.is_there = False
        """Whether Ray said that it is ready."""
        self._directory = directory

    def is_dead(self) -> bool:
        """Whether it has lost one of the processes that it cannot be without."""
        return any(_name(process) in _VITAL and process.poll() is not None for process in self.processes)

    def end(self, exit_code: Callable[[], int]) -> NoReturn:
        """Say so, take away what is left of it and end this process, once it had its time to end by itself."""
        time.sleep(GRACE_S if self.is_there else STARTING_GRACE_S)
        for process in self.processes:
            process.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
        _end(STARTED_HERE if self.is_there else NOT_STARTED, exit_code)


class JoinedNode:
    """A node that this process joined, of the cluster at `address`. Asks no question of Ray, which might not answer."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._answered_at = time.monotonic()
        said = os.environ.get(_PATIENCE, "")
        patience_s = float(said) if said.isdigit() else _USUAL_PATIENCE_S
        self._grace_s = min(GRACE_S, patience_s * (1 - _OUR_SHARE))
        self._patience_s = _OUR_SHARE * patience_s - self._grace_s

    def is_dead(self) -> bool:
        """Whether it will not come back."""
        if _has_no_listener(_raylet_socket()):
            return True
        now = time.monotonic()
        if _answers(self._address):
            self._answered_at = now
        return now - self._answered_at > self._patience_s

    def end(self, exit_code: Callable[[], int]) -> NoReturn:
        """Say so and end this process, once it had its time to end by itself."""
        time.sleep(self._grace_s)
        _end(JOINED, exit_code)


def _end(said: str, exit_code: Callable[[], int]) -> NoReturn:
    sys.stderr.write(f"wardround: {said}\n")
    sys.stderr.flush()
    os._exit(exit_code())


def _name(process: "subprocess.Popen[bytes]") -> str:
    words = process.args
    return os.path.basename(str(words[0])) if isinstance(words, list) and words else ""


def _has_no_listener(path: str) -> bool:
    """Whether the process behind this socket has ended: one that is too busy to answer is there."""
    if not path:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except OSError:
            return False
    return False


def _answers(address: str) -> bool:
    """Whether somebody takes connections at this host:port; true of an address of another form."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return True
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _raylet_socket() -> str:
    """Empty where a later Ray keeps it elsewhere."""
    node = getattr(sys.modules.get("ray._private.worker"), "_global_node", None)
    return str(getattr(node, "raylet_socket_name", "") or "")
