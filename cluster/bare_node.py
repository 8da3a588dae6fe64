"""A Ray node for one process alone: without the servers that only a shared cluster needs, and on loopback alone."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

_SERVERS = ("start_monitor", "start_log_monitor", "start_api_server")
"""Methods of `ray._private.node.Node`: they start the autoscaler, what carries logs to the driver, the dashboard."""


@contextmanager
def bare_node() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A Ray node started inside the block has no autoscaler, no log monitor and no dashboard server, and its processes
    are a group of their own: a signal to this process's group (of a terminal, `timeout`, a batch system) is for this
    process to handle, which then ends them; they die with it in any case.

    A node whose address is loopback keeps it, and then none of its ports is open to another machine: Ray would
    otherwise replace that address by one that others reach, and listen on all. The agent beside the raylet has no
    port for jobs, which nobody submits here.

    These are three Python processes, which `ray.init` waits for and which end slowly. Ray has no setting for any of it,
    so the functions that decide are replaced meanwhile. Where a later Ray has no such class or functions, all is
    started as ever. Gives the list of its processes, which grows as they are started.
    """
    started: list[subprocess.Popen[bytes]] = []
    services, utils = (sys.modules.get(f"ray._private.{name}") for name in ("services", "utils"))
    with ExitStack() as replaced:
        for name in _SERVERS:
            _replace(replaced, _node_class(), name, lambda _: lambda *_, **__: None)
        _replace(replaced, services, "ConsolePopen", lambda popen: partial(_started, popen, started))
        _replace(replaced, services, "resolve_ip_for_localhost", lambda _: lambda host: host)
        # What Ray asks to find whether it was installed without its dashboard, whose agent then has no ports.
        _replace(replaced, utils, "get_dashboard_dependency_error", lambda _: lambda: ImportError("not wanted"))
        yield started


def _started(popen: Any, started: list[subprocess.Popen[bytes]], *words: Any, **settings: Any) -> Any:
    process = popen(*words, process_group=0, **settings)
    started.append(process)
    return process


def _replace(until: ExitStack, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
    """Put what is made of an attribute into its place, until the block ends; nothing where there is none."""
    kept = getattr(owner, name, None)
    if kept is not None:
        setattr(owner, name, made(kept))
        until.callback(setattr, owner, name, kept)


def _node_class() -> Any:
    """None where Ray keeps it elsewhere."""
    try:
        from ray._private.node import Node  # noqa: PLC0415 - Ray reads its environment when it is imported
    except ImportError:
        return None
    return Node
