"""How a decoding child is started, and what is said of one that died."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from schemas.import_path import ROOT
from workers.children import memory
from workers.children.spawn import _environment, cause_of_death, last_line, spawn


def test_a_child_gets_neither_credentials_nor_the_clusters_variables_and_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_SESSION_TOKEN", "RAY_ADDRESS", "PYTHONFAULTHANDLER", "HARMLESS"):
        monkeypatch.setenv(name, "x")
    environment = _environment()
    assert not [name for name in environment if name.startswith(("AWS_", "RAY_", "PYTHONFAULTHANDLER"))]
    assert (environment["HARMLESS"], environment["OMP_NUM_THREADS"]) == ("x", "1")
    assert ROOT in environment["PYTHONPATH"].split(os.pathsep)


@pytest.mark.parametrize(
    ("code", "said"), [("import os; os._exit(3)", "exit code 3"), ("import os; os.kill(os.getpid(), 11)", "signal 11")]
)
def test_the_cause_of_death_is_its_signal_or_its_exit_code(code: str, said: str) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", code])
    assert cause_of_death(process) == "it would not die"
    process.wait()
    assert cause_of_death(process) == said


@pytest.mark.parametrize(
    ("written", "last"),
    [
        (b"", ""),
        (b"\n  \n", ""),
        (b"Traceback:\n  File\nImportError: no cv2\n\n", "ImportError: no cv2"),
        (b"x" * 10_000 + b"\nlast", "last"),
        (b"\xff broken", "\ufffd broken"),
    ],
)
def test_the_last_line_is_the_last_that_is_not_blank(written: bytes, last: str) -> None:
    fd = memory.create()
    try:
        os.write(fd, written)
        assert last_line(fd) == last
    finally:
        os.close(fd)


def test_a_child_has_a_session_of_its_own_and_its_stderr_goes_to_the_given_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    ours, theirs = socket.socketpair()
    page, stderr = memory.create(memory.Progress.SIZE), memory.create()
    with ours, theirs:
        process = spawn(theirs, page, stderr)
        session = os.getsid(process.pid)
        process.wait()
    # A shell does not take `-P -m`: it says so and ends.
    assert process.args[1:4] == ["-P", "-m", "workers.children.main"]
    assert session == process.pid != os.getsid(0)
    assert last_line(stderr)
    assert process.returncode not in (0, -signal.SIGKILL)
    os.close(page)
    os.close(stderr)
