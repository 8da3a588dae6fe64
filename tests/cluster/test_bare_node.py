from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ray

_CODE = """
import psutil
from cluster.session import SessionSettings, session
with session(SessionSettings(cpus=1)):
    import ray
    from ray._private.node import Node
    assert ray.get(ray.remote(lambda: 7).remote()) == 7
    words = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    print([name for name in ("raylet", "monitor.py", "log_monitor", "dashboard.py") if any(name in w for w in words)])
    print(Node.start_monitor.__qualname__, Node.start_log_monitor.__qualname__, Node.start_api_server.__qualname__)
"""


def test_a_node_of_one_s_own_has_no_servers_and_ray_is_left_as_it_was() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    result = subprocess.run(
        [sys.executable, "-c", _CODE],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    servers, methods = result.stdout.splitlines()
    assert servers == "['raylet']"
    assert methods == "Node.start_monitor Node.start_log_monitor Node.start_api_server"
