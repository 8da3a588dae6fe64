from __future__ import annotations

import os
import socket

from workers.children.wire import receive_work, send_work


def test_both_files_arrive_as_descriptors_of_the_receiver_s_own() -> None:
    parent, child = socket.socketpair()
    request, answer = os.memfd_create("request"), os.memfd_create("answer")
    os.write(request, b"ask")
    send_work(parent, request, answer)
    work = receive_work(child)
    assert work is not None
    there, back, shared = work
    assert shared == ()
    assert len({request, answer, there, back}) == 4
    assert os.pread(there, 9, 0) == b"ask"
    os.write(back, b"told")
    assert os.pread(answer, 9, 0) == b"told"
    assert not os.get_inheritable(there)
    for descriptor in (request, answer, there, back):
        os.close(descriptor)
    parent.close()
    child.close()


def test_a_parent_that_is_gone_is_the_end_and_no_error() -> None:
    parent, child = socket.socketpair()
    parent.close()
    assert receive_work(child) is None
    child.close()


def test_work_without_its_files_is_the_end_too() -> None:
    parent, child = socket.socketpair()
    parent.send(b"w")
    assert receive_work(child) is None
    parent.close()
    child.close()
