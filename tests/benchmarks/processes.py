"""Run a command as its own process and say how long it took, from its start to its end, and how much memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
_POLL_SECONDS = 0.01
_QUIET = {
    "DAFT_PROGRESS_BAR": "0",
    "DO_NOT_TRACK": "1",
    "PYTHONWARNINGS": "ignore",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class Finished:
    """A command that ended well. `peak_rss` in bytes, of the process itself without its children."""

    seconds: float
    output: str
    peak_rss: int


class CommandFailed(Exception):
    """The command ended badly; the message has the end of what it printed."""


def run(
    command: Sequence[str],
    log: Path,
    timeout: float = 300,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[int], None] = lambda pid: None,
) -> Finished:
    """Run `command` from the repository's root, `watch` called with its process id while it runs.

    Raises CommandFailed if it fails or takes longer than `timeout`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("wb") as errors, (log.with_suffix(".out")).open("w+b") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(environment), stdout=output, stderr=errors, start_new_session=True
        )
        peak = _wait(process, began + timeout, watch)
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        tail = "\n".join((log.read_text(errors="replace") + text).splitlines()[-20:])
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode} after {seconds:.0f} s:\n{tail}")
    return Finished(seconds, text, peak)


def keep_to(cores: int) -> None:
    """Let this process, and all that it starts, run on so many cores only."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def python(script: str, *arguments: str) -> list[str]:
    """Command line of one of the scripts beside this one."""
    return [sys.executable, str(ROOT / "tests" / "benchmarks" / script), *arguments]


def _wait(process: subprocess.Popen[bytes], until: float, watch: Callable[[int], None]) -> int:
    """Wait for the end, or end it. Returns the highest VmHWM seen (proc(5)), which only grows.

    Not ru_maxrss: across exec a child inherits that of its parent, and this one has torch in it.
    """
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        peak = max(peak, *(int(line.split()[1]) * 1024 for line in lines), 0)
        watch(process.pid)
        if time.perf_counter() > until:
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    return peak


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", "RAY_NAMESPACE")}
    return {**kept, **_QUIET, "PYTHONPATH": str(ROOT), **(more or {})}
