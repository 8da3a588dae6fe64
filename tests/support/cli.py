"""The command line as a test gives it: in this process, or as a process of its own that can be signalled and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.cli.main import main

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Wardround:
    """`wardround WORDS...` in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str | Path) -> Said:
        """Run one command line."""
        self.capture.readouterr()
        code = main([str(word) for word in words])
        captured = self.capture.readouterr()
        return Said(code, captured.out, captured.err)


def start(*words: str | Path, **environment: str) -> subprocess.Popen[str]:
    """The same as a process, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobs", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that starts tests in the background ignores SIGINT for all of them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Said:
    """Wait for it."""
    out, err = process.communicate(timeout=timeout)
    return Said(process.returncode, out, err)


def spec_text(archive: str, model: str, **rest: str) -> str:
    """A small serial run; `rest` gives `output`, and replaces or adds other top-level keys, as YAML."""
    keys = {
        "job": "predict",
        "name": "small",
        "input": f"{{collection: images, uri: {archive}, carry: [Modality]}}",
        "models": f"{{mean: {{uri: {model}}}}}",
        "compute": "{pool: serial, shard_records: 6, batch: 4}",
        **rest,
    }
    return "".join(f"{key}: {value}\n" for key, value in keys.items())
