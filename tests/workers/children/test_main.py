"""The decoding child by its socket: ready or failed, then a byte for each chunk, until the parent hangs up."""

import json
import os
import resource
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import MissingExtraError
from workers.children import failure, frames, main, memory, wire
from workers.children.contract import Request
from workers.children.spawn import spawn

BUILD = "tests.support.decoders:build"


class Spoken:
    """One child, spoken to byte by byte."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        page = memory.create(memory.Progress.SIZE)
        self.progress = memory.Progress(page)
        self.stderr = memory.create()
        self.process: subprocess.Popen[bytes] = spawn(theirs, page, self.stderr)
        theirs.close()
        os.close(page)
        self.socket.settimeout(20)

    def tell(self, request: int) -> tuple[bytes, memory.Bytes]:
        """Send what lies in `request`; the reply, and the answer's bytes."""
        answer = memory.create()
        wire.send_work(self.socket, request, answer)
        reply = self.socket.recv(1)
        found = memory.map_shared(answer)
        os.close(request)
        os.close(answer)
        return reply, found

    def end(self) -> int:
        self.socket.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()


@contextmanager
def child(entry: str) -> Iterator[tuple[Spoken, bytes, memory.Bytes]]:
    spoken = Spoken()
    launch = memory.create()
    memory.write_at(launch, 0, [json.dumps({"entry": entry, "settings": {"a": 1}}).encode()])
    try:
        reply, answer = spoken.tell(launch)
        yield spoken, reply, answer
    finally:
        spoken.end()
        os.close(spoken.stderr)


def chunk(*deeds: str) -> int:
    fd = memory.create()
    frames.write_requests(fd, [Request(deed.encode()) for deed in deeds], named=False)
    return fd


def test_a_child_is_ready_answers_chunk_after_chunk_and_ends_when_its_parent_hangs_up() -> None:
    with child(BUILD) as (spoken, reply, _):
        assert reply == wire.READY
        assert main.__name__ in spoken.process.args
        # A core dump would hold the record that killed it.
        assert resource.prlimit(spoken.process.pid, resource.RLIMIT_CORE) == (0, 0)
        for deeds in (("echo a", "unreadable", "echo b"), ("echo c",)):
            done, answer = spoken.tell(chunk(*deeds))
            assert done == wire.DONE
            results = frames.read_results(answer, len(deeds))
            assert [result.status is None for result in results] == [deed != "unreadable" for deed in deeds]
            assert spoken.progress.read()[0] == len(deeds)
        assert spoken.end() == 0


def test_an_error_of_ours_at_the_start_is_handed_up_whole() -> None:
    with child("tests.support.decoders:build_missing_extra") as (spoken, reply, answer):
        assert reply == wire.FAILED
        error = failure.unpack(answer.tobytes())
        assert spoken.process.wait(60) == 0
    assert isinstance(error, MissingExtraError)
    assert "nosuchpackage" in str(error)


def test_a_record_that_memory_does_not_suffice_for_ends_the_child_with_a_code_of_its_own() -> None:
    with child(BUILD) as (spoken, _, _):
        request, answer = chunk("echo a", f"allocate {2**60}", "echo b"), memory.create()
        wire.send_work(spoken.socket, request, answer)
        assert spoken.socket.recv(1) == b""
        assert spoken.process.wait(60) == wire.EXIT_MEMORY
        assert spoken.progress.read()[0] == 1
        assert len(frames.read_results(memory.map_shared(answer), 1)) == 1
        os.close(request)
        os.close(answer)
