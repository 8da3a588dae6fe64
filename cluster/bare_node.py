"""A Ray node for one process alone, without the servers that only a shared cluster needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SERVERS = ("start_monitor", "start_log_monitor", "start_api_server")
"""Methods of `ray._private.node.Node`: they start the autoscaler, what carries logs to the driver, the dashboard."""


@contextmanager
def bare_node() -> Iterator[None]:
    """A Ray node started inside the block has no autoscaler, no log monitor and no dashboard server.

    These are three Python processes, which `ray.init` waits for and which end slowly. Ray has no setting for it, so the
    methods that start them are replaced meanwhile. Where a later Ray has no such class or methods, all is started as
    ever.
    """
    node = _node_class()
    kept = {name: getattr(node, name) for name in _SERVERS if hasattr(node, name)}
    for name in kept:
        setattr(node, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(node, name, method)


def _node_class() -> Any:
    """None where Ray keeps it elsewhere."""
    try:
        from ray._private.node import Node  # noqa: PLC0415 - Ray reads its environment when it is imported
    except ImportError:
        return None
    return Node
