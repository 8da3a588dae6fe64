"""Commands as processes of their own, many of them: forked from one that has imported what commands import.

A command so made is this interpreter's last act as any `python -m jobs` is, with every ending of threads and modules;
what it is spared are the imports, two seconds of each.

As a program (`python -m tests.support.mistakes.forking`) it reads a command from each line, as JSON (`words`, `env`,
`into`: a folder), and answers a line with its exit code, null where it did not end in time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
_LIBRARIES = ("boto3", "botocore.httpsession", "numpy", "pyarrow.dataset", "pyarrow.parquet", "torch", "yaml")
_HARMLESS = ("jemalloc_bg_thd", "polars-ooc-clea")
"""The allocator's, which it starts anew in a fork, and one that takes away what larger queries leave on disk."""
_LOOK_S = 0.01


class Forks:
    """The process from which commands are forked, until `close`."""

    def __init__(self, longest_s: float) -> None:
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(longest_s)],
            cwd=ROOT,
            env={**os.environ, **one, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, words: Sequence[str]) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr of one command in this process's environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="wr-fork-") as into:
            request = {"words": list(words), "env": dict(os.environ), "into": into}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            code = json.loads(self._process.stdout.readline())
            return code, *((Path(into) / name).read_text(errors="replace") for name in ("stdout", "stderr"))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@cache
def forks(longest_s: float) -> Forks:
    """One for all who ask."""
    return Forks(longest_s)


def _import_all() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    for package in ("jobs.cli", "jobs"):
        for module in pkgutil.iter_modules([str(ROOT / package.replace(".", "/"))]):
            if module.name != "__main__":
                importlib.import_module(f"{package}.{module.name}")
    # A fork keeps one thread: what another one held would be held for ever.
    started = {Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")}
    assert started <= {*_HARMLESS, Path("/proc/self/comm").read_text().strip()}, started


def _serve(longest_s: float) -> list[str] | None:
    """The words of a command, in each child; None where there are no more."""
    gc.freeze()
    while line := _line():
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request["env"], Path(request["into"]))
            return list(request["words"])
        os.write(1, (json.dumps(_code(child, longest_s)) + "\n").encode())
    return None


def _line() -> bytes:
    """The next line of stdin, byte by byte: a child must find nothing read ahead."""
    read = bytearray()
    while (one := os.read(0, 1)) and one != b"\n":
        read += one
    return bytes(read)


def _become(environment: dict[str, str], into: Path) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    for number, path in ((0, Path("/dev/null")), (1, into / "stdout"), (2, into / "stderr")):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)


def _code(child: int, longest_s: float) -> int | None:
    end = time.monotonic() + longest_s
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOK_S)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    _import_all()
    if (chosen := _serve(float(sys.argv[1]))) is not None:
        sys.argv = ["wardround", *chosen]
        runpy.run_module("jobs", run_name="__main__", alter_sys=True)
