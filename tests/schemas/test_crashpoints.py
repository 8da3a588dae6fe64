from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

_MANY = """
import sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from schemas.crashpoints import crashpoint

def passes(number):
    crashpoint("side.before_put")
    sys.stdout.write(".")
    sys.stdout.flush()

with ThreadPoolExecutor(8) as pool:
    list(pool.map(passes, range(40)))
"""


def test_of_many_threads_exactly_those_before_the_chosen_one_pass() -> None:
    for nth in (1, 20):
        environment = {"WARDROUND_CRASH_AT": f"side.before_put:{nth}", "PYTHONPATH": ":".join(sys.path)}
        ended = subprocess.run([sys.executable, "-c", _MANY], env=environment, capture_output=True, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert len(ended.stdout) <= nth - 1
    spared = {**environment, "WARDROUND_CRASH_AT": "side.before_put:41"}
    ended = subprocess.run([sys.executable, "-c", _MANY], env=spared, capture_output=True, check=True)
    assert len(ended.stdout) == 40


_HELD = """
import time
from schemas.crashpoints import crash_armed, crashpoint

assert crash_armed("decode.record") and not crash_armed("forward.record")
began = time.monotonic()
for _ in range(3):
    crashpoint("plan.before_put")
    crashpoint("decode.record", "a.png")
    crashpoint("forward.record", "a.png")
assert time.monotonic() - began >= 0.06
"""


def test_points_that_are_held_wait_and_tell_of_every_passage(tmp_path: Path) -> None:
    log = tmp_path / "passed"
    environment = {"WARDROUND_HOLD_AT": "plan.before_put=0.02,decode.record=0", "WARDROUND_HOLD_LOG": str(log)}
    subprocess.run([sys.executable, "-c", _HELD], env={**environment, "PYTHONPATH": ":".join(sys.path)}, check=True)
    passed = [line.split() for line in log.read_text().splitlines()]
    assert [name for name, _ in passed] == ["plan.before_put", "decode.record"] * 3
    assert len({process for _, process in passed}) == 1
