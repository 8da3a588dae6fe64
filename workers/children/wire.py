"""The socket between parent and child: eight bytes and two descriptors down, one byte up."""

import os
import socket
import struct

READY = b"r"
FAILED = b"f"
DONE = b"d"

EXIT_MEMORY = 77
"""A child that ran out of memory leaves with this code, at the index that it published."""

_HEAD = struct.Struct("<q")


def send_work(sock: socket.socket, request_fd: int, answer_fd: int, number: int = 0) -> None:
    """Hand both descriptors over. Raises OSError where nobody listens."""
    socket.send_fds(sock, [_HEAD.pack(number)], [request_fd, answer_fd])


def receive_work(sock: socket.socket) -> tuple[int, int, int] | None:
    """Request, answer (both to be closed) and number; None once the parent is gone."""
    head, fds, _, _ = socket.recv_fds(sock, _HEAD.size, 2)
    for fd in fds:
        # Not by MSG_CMSG_CLOEXEC: Python 3.11 drops the flags of recv_fds.
        os.set_inheritable(fd, False)
    if len(head) < _HEAD.size or len(fds) != 2:
        return None
    return fds[0], fds[1], _HEAD.unpack(head)[0]
