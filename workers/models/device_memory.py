"""How much memory a device has, and how much a network would take of it: told before it is asked for."""

import os
import sys
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from workers.contract import Array

_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@runtime_checkable
class TellsNeed(Protocol):
    """A model that can tell what it needs."""

    def bytes_needed(self, array: Array) -> int:
        """At least so many bytes of the device's memory are taken while this array is scored alone."""


def room_on(device: str) -> int:
    """Bytes of memory that a process can have on a device: 'cpu' or 'cuda'."""
    if device != "cpu":
        torch: Any = sys.modules["torch"]
        return int(torch.cuda.mem_get_info()[1])
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CGROUPS:
        if path.is_file() and (text := path.read_text().strip()).isdecimal():
            limits.append(int(text))
    return min(limits)
