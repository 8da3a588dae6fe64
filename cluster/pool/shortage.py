"""Says why Ray does not place a worker: what it asks for, what the nodes have, what is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMES = ("CPU", "GPU", "memory")


def describe_shortage(
    cpus: float, gpus: float, memory_bytes: int, nodes: Sequence[Mapping[str, Any]], free: Mapping[str, float]
) -> str:
    """One sentence from `ray.nodes()` and `ray.available_resources()`, with the remedy."""
    asked = {"CPU": cpus, "GPU": gpus, "memory": float(memory_bytes)}
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    has = {name: sum(node.get(name, 0.0) for node in alive) for name in NAMES}
    fits = any(all(node.get(name, 0.0) >= asked[name] for name in NAMES) for node in alive)
    remedy = (
        "what is there is taken: wait for other jobs, or lower compute.workers.min"
        if fits
        else "no node is big enough for one worker: add such a node, or ask for less in compute"
    )
    return (
        f"each worker asks for {_say(asked)}; the cluster has {_say(has)} on {len(alive)} node(s), "
        f"of which {_say({name: free.get(name, 0.0) for name in NAMES})} are free; {remedy}"
    )


def _say(amounts: Mapping[str, float]) -> str:
    parts = [f"{amounts['CPU']:g} CPU", f"{amounts['GPU']:g} GPU"]
    if amounts["memory"]:
        parts.append(f"{amounts['memory'] / 2**30:.1f} GiB")
    return ", ".join(parts)
