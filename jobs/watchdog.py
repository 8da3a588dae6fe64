"""A run in one process, watched by the process that started it.

Foreign code that computes without end and holds the interpreter meanwhile (a pattern, a decoder) stops every thread of
its process, and with them whoever would keep a deadline. So the command splits in two: one computes, the other waits,
and ends the first where that stands still. Then a fresh one goes on, with the shard that was at hand set apart, so that
its records are scored in processes that can be killed (`workers.pipeline.isolation`).
"""

import mmap
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from jobs.console import say
from schemas.errors import IncompleteError
from workers.children.lifeline import set_parent_death_signal

AtHand = tuple[str, int]
"""The directory of a stage, and a shard of it."""

_STOPS = (signal.SIGINT, signal.SIGTERM)
_LOOK_S = 0.02
_FORWARD_S = 0.3
"""So long a signal may take to reach the other process by itself: a terminal sends it to both."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Page:
    """What both processes see: that the one gets on, with what, and how often it was asked to stop."""

    _NUMBERS = struct.Struct("=6q")
    _NOTHING = -(2**62)

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._write(turns=0, armed=0, shard=self._NOTHING, stops=0, is_open=0, heard=0)

    def turn(self, stage: str, shard: int | None) -> None:
        """The one that computes is still there, and has this in hand."""
        name = stage.encode()
        self._memory[64 : 64 + len(name) + 1] = name + b"\0"
        self._write(turns=self.turns + 1, armed=1, shard=self._NOTHING if shard is None else shard)

    def rest(self) -> None:
        """Until the next turn nobody has to get on."""
        self._write(armed=0)

    def open_pool(self, is_open: bool) -> None:
        """Whether there is something that can be finished before it stops."""
        self._write(is_open=int(is_open))

    def stop(self) -> None:
        """Somebody asks it to stop, once more."""
        self._write(stops=self.stops + 1)

    def hear(self, requests: int) -> None:
        """So many requests to stop reached the one that computes by themselves."""
        self._write(heard=requests)

    @property
    def heard(self) -> int:
        """How many requests to stop reached the one that computes by themselves."""
        return self._read()[5]

    @property
    def turns(self) -> int:
        """How often it was seen to get on."""
        return self._read()[0]

    @property
    def stops(self) -> int:
        """How often it was asked to stop."""
        return self._read()[3]

    @property
    def is_open(self) -> bool:
        """Whether there is something that can be finished before it stops."""
        return bool(self._read()[4])

    @property
    def is_armed(self) -> bool:
        """Whether it has to get on."""
        return bool(self._read()[1])

    @property
    def at_hand(self) -> AtHand | None:
        """What it had in hand when it last got on; None where nothing, or where it rests."""
        _, armed, shard, *_ = self._read()
        if not armed or shard == self._NOTHING:
            return None
        name = self._memory[64:].partition(b"\0")[0]
        return name.decode(), shard

    def _read(self) -> tuple[int, ...]:
        return self._NUMBERS.unpack_from(self._memory)

    def _write(self, **numbers: int) -> None:
        for at, name in enumerate(("turns", "armed", "shard", "stops", "is_open", "heard")):
            if name in numbers:
                struct.pack_into("=q", self._memory, 8 * at, numbers[name])


class Watch:
    """For the process that computes. Without a page nobody watches."""

    def __init__(self, page: Page | None = None, suspects: frozenset[AtHand] = frozenset()) -> None:
        self.page = page
        self.suspects = suspects

    def beat(self, stage: str) -> Callable[[int | None], None] | None:
        """To be called with the oldest shard in hand, again and again."""
        page = self.page
        return None if page is None else lambda shard: page.turn(stage, shard)

    def rest(self) -> None:
        """No shard is in hand."""
        if self.page is not None:
            self.page.rest()


def can_watch() -> bool:
    """Whether this process can be split in two: one with threads of its own cannot, and who debugs wants one."""
    is_alone = threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
    return sys.platform == "linux" and is_alone and not os.environ.get("WARDROUND_DEBUG")


def watched(work: Callable[[Watch], int], limit_s: float) -> int:
    """The exit code of `work`, in a process of its own that may hold the interpreter for `limit_s` at most.

    Returns in both processes. One that a signal ended ends this one by the same signal.
    """
    suspects: set[AtHand] = set()
    parent = os.getpid()
    while True:
        page = Page()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal after the fork and before this process listens would end it alone, one in a hook of the fork is lost.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        child = os.fork()
        if not child:
            set_parent_death_signal(parent)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return work(Watch(page, frozenset(suspects)))
        code = _wait(child, page, limit_s, mask)
        if code is not None:
            return code
        found = page.at_hand
        if found is None or found in suspects:
            say(
                f"what shard {found[1] if found else 'at hand'} needs computes without end, alone too, and nothing in "
                "this process can end it: take the file that it reads out of the input"
            )
            return IncompleteError.exit_code
        suspects.add(found)
        say(f"shard {found[1]} computed without end: its records are now scored in processes that can be ended")


def _wait(child: int, page: Page, limit_s: float, mask: Iterable[int]) -> int | None:
    """Its exit code; None where it was ended, since it stood still. `mask`: signals that are held back from then on."""
    silence = _Silence(child, page, limit_s)
    with _signals_heard() as pending:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return _same_end(os.waitstatus_to_exitcode(status))
            if pending and time.monotonic() > pending[0][1]:
                number, _ = pending.pop(0)
                page.stop()
                if page.stops > page.heard and (not page.is_open or page.stops > 2):
                    os.kill(child, number)
            if silence.is_too_long():
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return None
            time.sleep(_LOOK_S)


class _Silence:
    """Since when a process has not got on, and what it computed meanwhile: one that only waits is not meant."""

    def __init__(self, pid: int, page: Page, limit_s: float) -> None:
        self._pid, self._page, self._limit_s = pid, page, limit_s
        self._turns, self._since, self._computed = page.turns, time.monotonic(), 0.0

    def is_too_long(self) -> bool:
        """Whether foreign code holds it."""
        now, turns = time.monotonic(), self._page.turns
        if turns != self._turns or not self._page.is_armed:
            self._turns, self._since, self._computed = turns, now, -1.0
            return False
        if now - self._since < self._limit_s:
            if self._computed < 0:
                self._computed = _cpu_seconds(self._pid)
            return False
        return _cpu_seconds(self._pid) - self._computed > self._limit_s / 2


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _same_end(code: int) -> int:
    if code >= 0:
        return code
    # Whoever waits for this process sees what became of the other.
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code


@contextmanager
def _signals_heard() -> Iterator[list[tuple[int, float]]]:
    """Requests to stop, each with the time from which on the other process has it too if it was sent to both."""
    pending: list[tuple[int, float]] = []

    def heard(number: int, frame: FrameType | None) -> None:
        pending.append((number, time.monotonic() + _FORWARD_S))

    numbers = [one for one in _STOPS if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield pending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
