"""The socket between parent and child: two descriptors down, one byte up."""

import os
import socket

READY = b"r"
FAILED = b"f"
DONE = b"d"

EXIT_MEMORY = 77
"""A child that ran out of memory leaves with this code, at the index that it published."""

_WORK = b"w"
"""Descriptors travel with at least one byte."""


def send_work(sock: socket.socket, request_fd: int, answer_fd: int) -> None:
    """Hand both descriptors over. Raises OSError where nobody listens."""
    socket.send_fds(sock, [_WORK], [request_fd, answer_fd])


def receive_work(sock: socket.socket) -> tuple[int, int] | None:
    """Request and answer, both to be closed; None once the parent is gone."""
    _, fds, _, _ = socket.recv_fds(sock, len(_WORK), 2)
    for fd in fds:
        # Not by MSG_CMSG_CLOEXEC: Python 3.11 drops the flags of recv_fds.
        os.set_inheritable(fd, False)
    return (fds[0], fds[1]) if len(fds) == 2 else None
