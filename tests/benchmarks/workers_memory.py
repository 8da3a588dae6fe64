"""The most memory that any worker of a running command has held."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

_EVERY_SECONDS = 1.5
"""Each look walks all processes of the machine, on cores that the run could use; the kernel keeps the peak."""


class WorkersMemory:
    """Called again and again with the command's process id; `peak` is the largest resident memory of one Ray actor, in
    bytes, as the kernel has kept it (VmHWM, proc(5))."""

    def __init__(self) -> None:
        self.peak = 0
        self._last = 0.0

    def __call__(self, pid: int) -> None:
        """Look, unless it just did."""
        if time.monotonic() - self._last < _EVERY_SECONDS:
            return
        self._last = time.monotonic()
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children(recursive=True):
                self._look(child)

    def _look(self, child: psutil.Process) -> None:
        # A process may end between two calls.
        with suppress(psutil.NoSuchProcess, OSError):
            if " ".join(child.cmdline()).startswith("ray::"):
                with open(f"/proc/{child.pid}/status") as status:
                    highest = [line for line in status if line.startswith("VmHWM:")]
                self.peak = max(self.peak, *(int(line.split()[1]) * 1024 for line in highest))
