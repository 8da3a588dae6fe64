"""The command's process: what it ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.small_run import ROOT

SCRIPT = """
import sys
import jobs.__main__
import jobs.cli.main
def main(own_process):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 130
jobs.cli.main.main = main
sys.exit(jobs.__main__.main())
"""


def test_an_interrupt_while_a_class_is_being_made_ends_with_130_and_not_by_the_signal(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, env=environment, check=False)
    assert ended.returncode == 130
