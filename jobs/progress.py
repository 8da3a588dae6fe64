"""How far a run is, for the person who waits: a bar on a terminal, else a plain line every few seconds. On stderr."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from cluster.pool import Progress
from jobs.console import say
from jobs.reporting.amounts import duration
from schemas.status import Status
from schemas.wording import counted
from schemas.work import ShardReport

MODES = ("auto", "rich", "plain", "none")
COLUMNS = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"))
_LEAST_BAR = 10
"""Characters of the bar: on a narrow terminal words give way to it."""
_GAPS = 2
_TOLD = 4
"""Workers whose own words are shown."""
_WINDOW_S, _STEP_S, _FIRST_S = 30.0, 0.5, 2.0
_EVERY_S = 5.0
_NOTEBOOK_EVERY_S = 0.25


class Pace:
    """Records a second over the last half minute, without the time before the first of them."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, progress: Progress) -> None:
        """The state now."""
        now = progress.elapsed_s, progress.records_done
        if len(self._seen) == 1 and self._seen[0][1] == now[1]:
            # Workers are still starting; and those that scored a sample have its records behind them.
            self._seen[0] = now
        elif not self._seen or now[0] - self._seen[-1][0] >= _STEP_S:
            self._seen.append(now)
        while len(self._seen) > 2 and now[0] - self._seen[1][0] >= _WINDOW_S:
            self._seen.popleft()

    def rate(self) -> float | None:
        """None until two seconds of work were seen: the first batch says nothing of the others."""
        if len(self._seen) < 2:
            return None
        (began, before), (ended, after) = self._seen[0], self._seen[-1]
        return (after - before) / (ended - began) if ended - began >= _FIRST_S and after > before else None


class Tally:
    """What the finished shards of this command add up to."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.shards = 0
        self.rows = 0
        self.rejects = 0
        self._last_trouble = ""

    def add(self, report: ShardReport) -> None:
        """Count a shard."""
        self.shards += 1
        self.rows += report.rows
        self.rejects += sum(count for status, count in report.statuses.items() if status != Status.OK)

    def new_trouble(self, progress: Progress) -> str:
        """A line on what is being tried again, once for each new reason; else empty."""
        if progress.trouble in ("", self._last_trouble):
            return ""
        self._last_trouble = progress.trouble
        return f"trying again: {progress.trouble}"

    def line(self, progress: Progress) -> str:
        """Done, rate, time left, rejects so far, workers."""
        return ", ".join([f"{progress.done} of {counted(progress.total, 'shard')}", *self.parts(progress)])

    def parts(self, progress: Progress) -> list[str]:
        """The same without the shards, what matters most first."""
        self.pace.see(progress)
        parts = [counted(progress.records_done, "record")]
        if told := [info["said"] for _, info in sorted(progress.info.items()) if "said" in info]:
            parts = ["; ".join(told[:_TOLD])]
        rate = self.pace.rate()
        if rate:
            parts.append(f"{rate:,.{0 if rate >= 10 else 1}f}/s")
        left = self.seconds_left(progress, rate or 0.0)
        if left:
            parts.append(f"about {duration(left)} left")
        if self.shards:
            parts.append(f"{self.rejects:,} of {self.rows:,} rejected")
        starting = f" and {progress.workers_starting} starting" if progress.workers_starting else ""
        workers = counted(progress.workers_ready, "worker")
        return [*parts, workers + starting]

    def seconds_left(self, progress: Progress, rate: float) -> float | None:
        """Seconds left at the rate so far and the mean shard so far; None before the first shard."""
        if not (self.shards and self.rows and rate):
            return None
        planned = (progress.total - progress.done) * self.rows / self.shards
        forwarded_ahead = max(0, progress.records_done - self.rows)
        return float(round(max(0.0, planned - forwarded_ahead) / rate))


class Display:
    """Counts what the person who waits is to see, and shows nothing."""

    def __init__(self) -> None:
        self._tally = Tally()

    def announce(self, line: str) -> None:
        """A step begins, and with it another count; `line` is said of it."""
        self._tally = Tally()

    def update(self, progress: Progress) -> None:
        """The pool's state now; called many times a second."""

    def report(self, report: ShardReport) -> None:
        """Count a finished shard."""
        self._tally.add(report)


class Plain(Display):
    """A line at the start of each step, and one every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last = time.monotonic()

    def announce(self, line: str) -> None:
        """As a line of its own."""
        super().announce(line)
        say(line)

    def update(self, progress: Progress) -> None:
        """A line, if the last one is old enough; what goes wrong at once."""
        self._tally.pace.see(progress)
        if trouble := self._tally.new_trouble(progress):
            say(trouble)
        now = time.monotonic()
        if now - self._last >= _EVERY_S:
            self._last = now
            say(self._tally.line(progress))


class Rich(Display):
    """A bar that moves, with the same words."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("", total=None, words="starting workers", visible=False)

    def announce(self, line: str) -> None:
        """Printed above the bar."""
        super().announce(line)
        self._bar.console.print(f"wardround: {line}", markup=False, highlight=False)

    def update(self, progress: Progress) -> None:
        """Move the bar; what goes wrong is printed above it."""
        if trouble := self._tally.new_trouble(progress):
            self._bar.console.print(f"wardround: {trouble}", markup=False, highlight=False)
        taken = _LEAST_BAR + len(f"{progress.total}/{progress.total}") + _GAPS
        words = fitting(self._tally.parts(progress), self._bar.console.width - taken)
        self._bar.update(self._task, total=progress.total, completed=progress.done, words=words, visible=True)


def fitting(parts: Sequence[str], room: int) -> str:
    """As many of the parts, from the first on, as have room on one line."""
    for number in range(len(parts), 0, -1):
        if len(words := ", ".join(parts[:number])) <= room:
            return words
    return ""


class Notebook(Rich):
    """The same bar as one output of a notebook's cell, which is replaced while the run goes on."""

    def __init__(self, bar: Bar, show: Callable[..., Any]) -> None:
        """`show` is `IPython.display.display`."""
        super().__init__(bar)
        self._shown = show(bar, display_id=True)
        self._last = time.monotonic()

    def update(self, progress: Progress) -> None:
        """Move the bar, a few times a second."""
        super().update(progress)
        now = time.monotonic()
        if now - self._last >= _NOTEBOOK_EVERY_S or progress.done == progress.total:
            self._last = now
            self._shown.update(self._bar)


@contextmanager
def open_progress(mode: str) -> Iterator[Display]:
    """The display for one of MODES. `auto` is the bar in a notebook and on a terminal that can move the cursor, outside
    CI, and lines elsewhere."""
    in_notebook = mode in ("auto", "rich") and Console().is_jupyter
    if mode == "auto":
        able = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
        mode = "rich" if able or in_notebook else "plain"
    if in_notebook:
        # rich's own live display asks for ipywidgets in a notebook. IPython is there, since this is one.
        from IPython.display import display  # noqa: PLC0415

        yield Notebook(Bar(*COLUMNS, console=Console(stderr=True)), display)
    elif mode == "rich":
        with Bar(*COLUMNS, console=Console(stderr=True), transient=True) as bar:
            yield Rich(bar)
    else:
        yield Plain() if mode == "plain" else Display()
