"""The socket between parent and child: descriptors down, one byte up."""

import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

READY = b"r"
FAILED = b"f"
DONE = b"d"

EXIT_MEMORY = 77
"""A child that ran out of memory leaves with this code, at the index that it published."""

_WORK = b"w"
"""Descriptors travel with at least one byte."""


_MOST_SHARED = 64


class Work(NamedTuple):
    """Descriptors, all to be closed: of a chunk, of what is to be answered, and of bytes that chunks share."""

    request: int
    answer: int
    shared: tuple[int, ...] = ()


def send_work(sock: socket.socket, request_fd: int, answer_fd: int, shared: Sequence[int] = ()) -> None:
    """Hand the descriptors over, at most 64 of shared bytes. Raises OSError where nobody listens."""
    socket.send_fds(sock, [_WORK], [request_fd, answer_fd, *shared])


def receive_work(sock: socket.socket) -> Work | None:
    """What was sent; None once the parent is gone."""
    _, fds, _, _ = socket.recv_fds(sock, len(_WORK), 2 + _MOST_SHARED)
    for fd in fds:
        # Not by MSG_CMSG_CLOEXEC: Python 3.11 drops the flags of recv_fds.
        os.set_inheritable(fd, False)
    return Work(fds[0], fds[1], tuple(fds[2:])) if len(fds) >= 2 else None
