"""Where the command plink2 is, against which scores, frequencies and files are compared."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

_UNPACKED = Path(__file__).parents[2] / ".venv-oracles" / "debian" / "plink2"


@cache
def plink2_command() -> str | None:
    """The command: the one on the PATH, else the one that `make oracles` unpacked, else None."""
    found = shutil.which("plink2")
    return found or (str(_UNPACKED) if _UNPACKED.exists() else None)


needs_plink2 = pytest.mark.skipif(plink2_command() is None, reason="plink2 is not here: `make oracles` fetches it")
"""Mark of a test, or of a module as `pytestmark`."""


def run_plink2(folder: Path, arguments: Sequence[str | Path], threads: int = 1) -> str:
    """Run it in `folder`, whose files it may name without a path. Returns what it printed; fails the test if it fails.

    `--threads` and `--memory` are given, so that it takes no more than its share of the machine.
    """
    command = plink2_command()
    if command is None:
        pytest.skip("plink2 is not here: `make oracles` fetches it")
    words = [command, *map(str, arguments), "--threads", str(threads), "--memory", "1024"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
