"""The end of a process whose own Ray node died under it.

Ray's library then waits a minute for the node to come back, whatever is asked of it, and ends the process with code 1
and a message of its own. A node that this process started comes back never: the process is ended in time, with its own
exit code.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

GRACE_S = 5.0
"""For the process to end as it would; what asks Ray anything meanwhile is stuck."""
_VITAL = ("gcs_server", "raylet")


def node_is_dead() -> bool:
    """Whether the node that `ray.init` started here has lost one of the processes that it cannot be without."""
    return any(process.poll() is not None for name in _VITAL for process in _processes().get(name, ()))


def end_process(directory: Path | None, exit_code: Callable[[], int]) -> NoReturn:
    """Say so, take the rest of the node away and end, once the process had its time to end by itself."""
    time.sleep(GRACE_S)
    for processes in _processes().values():
        for process in processes:
            process.kill()
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
    sys.stderr.write(
        "wardround: the Ray node that this command started was ended from outside: the same command goes on\n"
    )
    sys.stderr.flush()
    os._exit(exit_code())


def _processes() -> dict[str, list[Any]]:
    """By Ray's name for what they are. Empty where a later Ray keeps them elsewhere."""
    worker = sys.modules.get("ray._private.worker")
    node = getattr(worker, "_global_node", None)
    infos = getattr(node, "all_processes", None) or {}
    return {name: [info.process for info in found] for name, found in infos.items()}
