"""Named places where a test can end the process at once, as a power cut would, or hold it for a while.

`WARDROUND_CRASH_AT="commit.after_put:2"` ends the process at the second passage of that point. A third part,
`:record-id`, narrows it to that record: `WARDROUND_CRASH_AT="forward.record:1:bad.png"`.
With `WARDROUND_CRASH_ONCE=<path>` only the first process that gets there dies: it creates that file first.

`WARDROUND_HOLD_AT="plan.before_put=0.2,commit.before_put=0"` holds every passage of these points for so many seconds,
and appends `<point> <process id>` to the file that WARDROUND_HOLD_LOG names: whoever sends signals from outside can
meet a moment that else lasts a millisecond.

Without these variables a point costs two dictionary look-ups.
"""

import os
import signal
import threading
import time

POINTS = frozenset(
    {
        "plan.before_put",
        "plan.after_put",
        "run.before_put",
        "run.after_put",
        "commit.before_encode",
        "commit.before_put",
        "commit.after_put",
        "side.before_put",
        "side.after_put",
        "manifest.before_put",
        "manifest.after_put",
        "report.before_put",
        "decode.record",
        "forward.record",
        "checkpoint.before_put",
        "checkpoint.after_put",
        "fit.step",
    }
)

_passages: dict[str, int] = {}
_counting = threading.Lock()
"""Held by who passes, so that of threads that pass at the same time exactly one is the n-th; who dies keeps it, and no
other thread gets past the point any more."""


def crashpoint(name: str, record_id: str = "") -> None:
    """Die here with SIGKILL, or stay here for a while, if the environment says so."""
    wanted = os.environ.get("WARDROUND_CRASH_AT")
    if wanted is not None:
        _die_if_wanted(wanted, name, record_id)
    held = os.environ.get("WARDROUND_HOLD_AT")
    if held is not None:
        _hold_if_wanted(held, name)


def crash_armed(name: str) -> bool:
    """Whether `name` is an armed point: spares the caller of per-record points a loop when it is not."""
    crash = os.environ.get("WARDROUND_CRASH_AT", "").partition(":")[0]
    return crash == name or name in _holds(os.environ.get("WARDROUND_HOLD_AT", ""))


def _die_if_wanted(wanted: str, name: str, record_id: str) -> None:
    point, _, rest = wanted.partition(":")
    nth, _, only = rest.partition(":")
    if point != name or (only and only != record_id):
        return
    with _counting:
        _passages[name] = _passages.get(name, 0) + 1
        if not only and _passages[name] != int(nth or "1"):
            return
        if _is_first_to_die():
            os.kill(os.getpid(), signal.SIGKILL)


def _is_first_to_die() -> bool:
    once = os.environ.get("WARDROUND_CRASH_ONCE")
    if not once:
        return True
    try:
        os.close(os.open(once, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _hold_if_wanted(held: str, name: str) -> None:
    seconds = _holds(held).get(name)
    if seconds is None:
        return
    log = os.environ.get("WARDROUND_HOLD_LOG")
    if log:
        # One write of a short line: processes that append at the same time do not mix.
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{name} {os.getpid()}\n".encode())
        os.close(file)
    time.sleep(seconds)


def _holds(text: str) -> dict[str, float]:
    """Seconds by point."""
    parts = (part.partition("=") for part in text.split(",") if part)
    return {name: float(seconds or 0) for name, _, seconds in parts}
