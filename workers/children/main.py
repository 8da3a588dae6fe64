"""The decoding child: `python -m workers.children.main SOCKET PAGE PARENT`, started by `workers.children.spawn`."""

import faulthandler
import json
import os
import resource
import socket
import sys
from collections.abc import Sequence

from schemas.crashpoints import crash_armed, crashpoint
from schemas.errors import WardroundError
from workers.children import failure, frames, memory, wire
from workers.children.contract import Handler, Request
from workers.children.handle import build_handler, handle
from workers.children.lifeline import set_parent_death_signal
from workers.threads import cap_decoders


def main(arguments: Sequence[str]) -> None:
    """Serve chunks until the parent is gone."""
    socket_fd, page_fd, parent = (int(argument) for argument in arguments)
    set_parent_death_signal(parent)
    faulthandler.disable()
    # A core dump would hold the record.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sock = socket.socket(fileno=socket_fd)
    progress = memory.Progress(page_fd)
    handler = _start(sock)
    _silence()
    sock.send(wire.READY)
    while (work := wire.receive_work(sock)) is not None:
        _serve(handler, progress, work)
        sock.send(wire.DONE)


def _start(sock: socket.socket) -> Handler:
    work = wire.receive_work(sock)
    if work is None:
        raise SystemExit
    job = json.loads(memory.map_shared(work[0]).tobytes())
    try:
        handler = build_handler(job["entry"], job["settings"])
    except WardroundError as error:
        memory.write_at(work[1], 0, [failure.pack(error)])
        sock.send(wire.FAILED)
        raise SystemExit from None
    # Once its libraries are loaded; there are as many children as cores.
    cap_decoders(1)
    os.close(work[0])
    os.close(work[1])
    return handler


def _silence() -> None:
    # Decoders print what they read. Until here stderr was kept, to say why a child could not start.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stderr.fileno())
    os.close(null)


def _serve(handler: Handler, progress: memory.Progress, work: wire.Work) -> None:
    shared = [memory.map_shared(fd, writable=False) for fd in work.shared]
    requests = frames.read_requests(memory.map_shared(work.request, writable=False), shared)
    armed = crash_armed("decode.record")
    offset = 0
    for index, request in enumerate(requests):
        progress.publish(index)
        if armed:
            crashpoint("decode.record", request.record_id)
        offset, sound = _decode(handler, request, work.answer, offset)
        if not sound:
            break
    progress.publish(len(requests))
    for fd in (work.request, work.answer, *work.shared):
        os.close(fd)


def _decode(handler: Handler, request: Request, answer_fd: int, offset: int) -> tuple[int, bool]:
    try:
        return frames.write_result(answer_fd, offset, handle(handler, request)), True
    except (MemoryError, OSError):
        # OSError: no shared memory for the result. Whether memory sufficed may depend on earlier records: the parent
        # tries again in a fresh child.
        os._exit(wire.EXIT_MEMORY)
    except WardroundError as error:
        return frames.write_error(answer_fd, offset, error), False


if __name__ == "__main__":
    main(sys.argv[1:])
