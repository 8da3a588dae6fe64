from __future__ import annotations

import signal
import subprocess
import sys

_MANY = """
import sys
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
