"""A Ray node for one process alone, without the servers that only a shared cluster needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SERVERS = ("start_monitor", "start_log_monitor", "start_api_server")
"""Of `ray._private.node.Node`: the autoscaler, what carries logs to the driver, the dashboard."""


@contextmanager
def bare_node() -> Iterator[None]:
    """A Ray node started inside the block has no autoscaler, no log monitor and no dashboard server.

    These are three Python processes: three seconds of a processor at the start, which `ray.init` waits for, and more
    than a second at the end. Ray has no setting for it, so the methods that start them are replaced meanwhile. Where a
    later Ray calls them otherwise, all is started as ever.
    """
    from ray._private.node import Node  # noqa: PLC0415 - Ray reads its environment when it is imported

    kept = {name: getattr(Node, name) for name in _SERVERS if hasattr(Node, name)}
    for name in kept:
        setattr(Node, name, _start_nothing)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(Node, name, method)


def _start_nothing(_node: Any, **_options: Any) -> None:
    return
