"""Named places where a test can end the process at once, as a power cut would.

`WARDROUND_CRASH_AT="commit.after_put:2"` ends the process at the second passage of that point. A third part,
`:record-id`, narrows it to that record: `WARDROUND_CRASH_AT="forward.record:1:bad.png"`.
With `WARDROUND_CRASH_ONCE=<path>` only the first process that gets there dies: it creates that file first.
Without the first variable a crash point costs one dictionary look-up.
"""

import os
import signal
import threading

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
    }
)

_passages: dict[str, int] = {}
_counting = threading.Lock()
"""Held by who passes, so that of threads that pass at the same time exactly one is the n-th; who dies keeps it, and no
other thread gets past the point any more."""


def crashpoint(name: str, record_id: str = "") -> None:
    """Die here with SIGKILL if the environment says so."""
    wanted = os.environ.get("WARDROUND_CRASH_AT")
    if wanted is None:
        return
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


def crash_armed(name: str) -> bool:
    """Whether `name` is the armed point: spares the caller of per-record points a loop when it is not."""
    return os.environ.get("WARDROUND_CRASH_AT", "").partition(":")[0] == name


def _is_first_to_die() -> bool:
    once = os.environ.get("WARDROUND_CRASH_ONCE")
    if not once:
        return True
    try:
        os.close(os.open(once, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
