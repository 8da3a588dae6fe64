"""Start a decoding child, and say why one died."""

import os
import socket
import subprocess
import sys

from schemas.import_path import python_path
from workers.threads import thread_variables

# A process that eats hostile bytes needs neither credentials nor the cluster's token.
_KEPT_FROM_CHILDREN = ("AWS_", "RAY_", "PYTHONFAULTHANDLER", "PYTHONDEVMODE")


def spawn(child_socket: socket.socket, page_fd: int, stderr_fd: int) -> subprocess.Popen[bytes]:
    """Start the process, in a session of its own so that Ctrl-C is the parent's business. Raises OSError."""
    fds = (child_socket.fileno(), page_fd)
    return subprocess.Popen(
        # -P: the working directory is the user's, and may hold a `types.py` or `queue.py` of its own.
        [sys.executable, "-P", "-m", "workers.children.main", *map(str, fds), str(os.getpid())],
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr_fd,
        env=_environment(),
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_FROM_CHILDREN)}
    return {**kept, "PYTHONPATH": python_path(), **thread_variables(1)}


def cause_of_death(process: subprocess.Popen[bytes]) -> str:
    """`signal 11` or `exit code 1`, once it is dead. A signal is given by number: names differ by platform."""
    code = process.returncode
    if code is None:
        return "it would not die"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def last_line(stderr_fd: int) -> str:
    """The last line that a child wrote before it was ready: it has seen no record yet."""
    size = os.fstat(stderr_fd).st_size
    text = os.pread(stderr_fd, 4096, max(0, size - 4096)).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
