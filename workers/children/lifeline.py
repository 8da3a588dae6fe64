"""A child that cannot outlive its parent."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
EXIT_ORPHANED = 78


def set_parent_death_signal(parent: int) -> None:
    """Have the kernel kill this process with SIGKILL when its parent ends (prctl(2), Linux only).

    The kernel counts from the parent's thread that started this process: that thread has to live as long. A parent
    that is gone already is found by its changed process id.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(EXIT_ORPHANED)
