"""A Ray node for one process alone, without the servers that only a shared cluster needs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

_SERVERS = ("start_monitor", "start_log_monitor", "start_api_server")
"""Methods of `ray._private.node.Node`: they start the autoscaler, what carries logs to the driver, the dashboard."""


@contextmanager
def bare_node() -> Iterator[None]:
    """A Ray node started inside the block has no autoscaler, no log monitor and no dashboard server, and its processes
    are a group of their own: a signal to this process's group (of a terminal, `timeout`, a batch system) is for this
    process to handle, which then ends them; they die with it in any case.

    These are three Python processes, which `ray.init` waits for and which end slowly. Ray has no setting for it, so the
    methods that start them are replaced meanwhile. Where a later Ray has no such class or methods, all is started as
    ever.
    """
    node = _node_class()
    kept = {name: getattr(node, name) for name in _SERVERS if hasattr(node, name)}
    for name in kept:
        setattr(node, name, lambda *_, **__: None)
    services: Any = sys.modules.get("ray._private.services")
    popen = getattr(services, "ConsolePopen", None)
    if popen is not None:
        services.ConsolePopen = partial(popen, process_group=0)
    try:
        yield
    finally:
        if popen is not None:
            services.ConsolePopen = popen
        for name, method in kept.items():
            setattr(node, name, method)


def _node_class() -> Any:
    """None where Ray keeps it elsewhere."""
    try:
        from ray._private.node import Node  # noqa: PLC0415 - Ray reads its environment when it is imported
    except ImportError:
        return None
    return Node
