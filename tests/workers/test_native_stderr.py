"""What native code writes to stderr is seen by nobody while a worker lives; what Python writes is."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, sys
from workers import native_stderr
def native(text): os.write(2, text.encode() + b"\\n")
native("before")
native_stderr.take()
with native_stderr.taken():
    native("JANE ROE")
    print("ours", file=sys.stderr)
native("JANE ROE")
native_stderr.give_back()
native("behind")
print("ours again", file=sys.stderr)
"""


def said(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        env={"PYTHONPATH": ".", **environment},
    )
    return done.stderr.splitlines()


def test_native_lines_are_gone_and_pythons_are_there() -> None:
    assert said() == ["before", "ours", "behind", "ours again"]


def test_whoever_looks_for_a_fault_sees_all() -> None:
    assert said(WARDROUND_DEBUG="1").count("JANE ROE") == 2
