"""A child asks the kernel to end it with its parent, and ends at once where the parent is gone already."""

import os
import signal
import subprocess
import sys
import time

from workers.children.lifeline import EXIT_ORPHANED, set_parent_death_signal

# As small as a child can be: no package but the module's own.
_CHILD = f"from {set_parent_death_signal.__module__} import set_parent_death_signal; "


def child(words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _CHILD + words], stdout=subprocess.PIPE)


def test_a_child_whose_parent_is_not_who_it_was_told_ends_by_itself() -> None:
    done = child("set_parent_death_signal(1 << 22); print('lived')")
    assert (done.communicate()[0], done.returncode) == (b"", EXIT_ORPHANED)


def test_a_child_of_a_living_parent_goes_on_and_has_asked_for_sigkill() -> None:
    asked = "import ctypes; said = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(said)); print(said.value)"
    done = child(f"set_parent_death_signal({os.getpid()}); {asked}")
    assert (done.communicate()[0], done.returncode) == (f"{signal.SIGKILL.value}\n".encode(), 0)


def test_a_child_is_gone_once_its_parent_was_killed() -> None:
    grandchild = f"{_CHILD}import os, time; set_parent_death_signal(os.getppid()); print(os.getpid(), flush=True); "
    words = [sys.executable, "-c", grandchild + "time.sleep(60)"]
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({words!r})"], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        # Its end of the pipe closes when it dies.
        began = time.monotonic()
        assert parent.stdout.read() == b""
    assert time.monotonic() - began < 50
    assert pid != parent.pid
