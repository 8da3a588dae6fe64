"""A command that computes in a process of its own: what holds the interpreter for ever is ended, the rest as ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import runs
from tests.support.small_run import ROOT, finish, start, write_spec
from tests.support.stalling_step import with_stalling_step

SCRIPT = """
import os, re, signal, sys, time
from jobs.watchdog import watched
def work(watch):
    print("begun", sorted(watch.suspects), flush=True)
    watch.page.turn("stages/x/", 7)
    {body}
    return 3
sys.exit(watched(work, 0.5))
"""
HANGS = 're.match(r"(a+)+$", "a" * 60 + "b")'


def split(body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_the_exit_code_is_that_of_the_one_who_computes() -> None:
    process = split("pass")
    said, _ = process.communicate(timeout=180)
    assert (process.returncode, said) == (3, "begun []\n")


def test_one_that_only_waits_is_left_alone() -> None:
    process = split("time.sleep(2)")
    assert process.wait(180) == 3
    process.communicate()


def test_what_holds_the_interpreter_is_ended_and_what_it_had_in_hand_set_apart() -> None:
    process = split(f"watch.suspects or {HANGS}")
    said, told = process.communicate(timeout=180)
    assert (process.returncode, said) == (3, "begun []\nbegun [('stages/x/', 7)]\n")
    assert "shard 7 computed without end" in told


def test_what_holds_it_before_anything_is_in_hand_ends_the_command() -> None:
    process = split(f'watch.page.turn("", None); {HANGS}')
    _, told = process.communicate(timeout=180)
    assert process.returncode == 4
    assert "computes without end" in told


def test_what_does_so_again_ends_the_command_with_4() -> None:
    process = split(HANGS)
    _, told = process.communicate(timeout=180)
    assert process.returncode == 4
    assert "shard 7" in told


def test_a_signal_that_ends_the_one_ends_the_other() -> None:
    process = split("os.kill(os.getpid(), signal.SIGSEGV)")
    process.communicate(timeout=180)
    assert process.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("moment", ["before", "after_in_parent"])
def test_a_signal_at_the_moment_of_splitting_is_heard(moment: str) -> None:
    script = "import os, signal\n" + SCRIPT.format(body="time.sleep(200)").replace(
        "sys.exit",
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        f"os.register_at_fork({moment}=lambda: os.kill(os.getpid(), signal.SIGTERM))\nsys.exit",
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, cwd=ROOT)
    _, told = process.communicate(timeout=150)
    assert process.returncode != 3
    assert b"Exception ignored" not in told


def test_one_that_is_killed_takes_the_other_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    process = split(f"time.sleep(1.5); open({str(mark)!r}, 'w').close()")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=180)
    time.sleep(2)
    assert not mark.exists()


@pytest.mark.long
@pytest.mark.parametrize("pool", ["serial", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_picture_whose_step_never_gives_the_interpreter_back_is_timed_out(tmp_path: Path, pool: str) -> None:
    spec = write_spec(tmp_path, str(tmp_path / "out"), f"pool: {pool}, shard_records: 4, decode: threads")
    cv2.imwrite(str(tmp_path / "archive" / "03.png"), np.full((20, 24), 255, np.uint8))
    text = spec.read_text() + "limits: {record_timeout: 3s}\nprepare: [stall]\n"
    spec.write_text(text)
    code, said = finish(start(spec, with_stalling_step(tmp_path / "plugin")), 400)
    assert code == 0, said
    found = runs.rows(tmp_path / "out")
    statuses = dict(zip(found["record_id"], found["status"], strict=True))
    assert statuses.pop("03.png") == "timed_out"
    assert statuses.pop("05-letter.txt") == "unreadable"
    assert set(statuses.values()) == {"ok"}
