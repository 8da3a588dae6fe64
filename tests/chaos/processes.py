"""What runs on this machine, as /proc tells it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path


def pids() -> list[int]:
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def command_line(pid: int) -> str:
    """Its words; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def parent(pid: int) -> int:
    """Its parent; 0 where it has ended."""
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def is_alive(pid: int) -> bool:
    """Whether it runs: one that has ended and was not fetched by its parent does not."""
    fields = _fields(pid)
    return bool(fields) and fields[0] not in "ZX"


def heeds(pid: int, number: signal.Signals) -> bool:
    """Whether it has a handler for this signal by now: before its first line has run, no program has."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in text.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def descendants(roots: Iterable[int]) -> set[int]:
    """These processes' children, and theirs."""
    children: dict[int, list[int]] = {}
    for pid in pids():
        children.setdefault(parent(pid), []).append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        fresh = [pid for pid in children.get(waiting.pop(), []) if pid not in found]
        found.update(fresh)
        waiting += fresh
    return found


def knowing(text: str) -> list[str]:
    """The command lines of those in whose environment, as they were started with, this text is."""
    found = []
    for pid in pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if text.encode() in environment and is_alive(pid):
            found.append(command_line(pid))
    return found


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; whether there was somebody to take it."""
    if not is_alive(pid):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _fields(pid: int) -> list[str]:
    """What the kernel says of it, from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
