"""The end of a process whose Ray node, or whose cluster's head, died under it.

Ray's library then waits a minute for it to come back, whatever is asked of it, and ends the process with code 1 and a
message of its own; or waits for ever, where only the node that the process joined is gone. So the process is ended in
time, with its own exit code.
"""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

GRACE_S = 5.0
"""For the process to end as it would; what asks Ray anything meanwhile is stuck."""
STARTED_HERE = "the Ray node that this command started was ended from outside: the same command goes on"
JOINED = (
    "the Ray cluster that this command joined is gone, its head or the node on this machine: once there is a cluster "
    "again, the same command goes on"
)
CONNECT_TIMEOUT_S = 5.0
_VITAL = ("gcs_server", "raylet")
_PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"
_USUAL_PATIENCE_S = 60.0
"""How long Ray waits for a head that does not answer, which may be started again meanwhile."""
_OUR_SHARE = 0.75


class LostNode:
    """Looks whether a node is still there: one that this process started, or one that it joined, at `address`."""

    def __init__(self, address: str, *, started_here: bool) -> None:
        self._address, self._started_here = address, started_here
        self._answered_at = time.monotonic()
        patience = os.environ.get(_PATIENCE, "")
        self._patience_s = _OUR_SHARE * (float(patience) if patience.isdigit() else _USUAL_PATIENCE_S)

    def is_dead(self) -> bool:
        """Whether it will not come back. Asks no question of Ray, which might not answer."""
        if self._started_here:
            return any(process.poll() is not None for name in _VITAL for process in _processes().get(name, ()))
        if _has_no_listener(_raylet_socket()):
            return True
        now = time.monotonic()
        if _answers(self._address):
            self._answered_at = now
        return now - self._answered_at > self._patience_s


def end_process(directory: Path | None, exit_code: Callable[[], int]) -> NoReturn:
    """Say so, take away the rest of a node that was started here, in `directory`, and end, once the process had its
    time to end by itself."""
    time.sleep(GRACE_S)
    if directory is not None:
        for processes in _processes().values():
            for process in processes:
                process.kill()
        shutil.rmtree(directory, ignore_errors=True)
    sys.stderr.write(f"wardround: {JOINED if directory is None else STARTED_HERE}\n")
    sys.stderr.flush()
    os._exit(exit_code())


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
    return str(getattr(_node(), "raylet_socket_name", "") or "")


def _processes() -> dict[str, list[Any]]:
    """By Ray's name for what they are. Empty where a later Ray keeps them elsewhere."""
    infos = getattr(_node(), "all_processes", None) or {}
    return {name: [info.process for info in found] for name, found in infos.items()}


def _node() -> Any:
    return getattr(sys.modules.get("ray._private.worker"), "_global_node", None)
