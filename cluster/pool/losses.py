"""Tells why a Ray actor is gone, from what Ray says of it. Each sentence that is looked for is pinned by a test."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import ray
from ray.exceptions import ActorDiedError, OutOfMemoryError, RayError, RuntimeEnvSetupError

from cluster.pool.contract import LostKind, WorkerLost

NAMES = ("CPU", "GPU", "memory")
_UNFIT = re.compile(r"No module named '(?:cluster|schemas|workers)\b|this node has wardround (?P<found>\S+) and")


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


def classify(error: RayError) -> WorkerLost:
    """The loss behind an error of a call to an actor.

    What is not known for certain to be the process's own end counts as the cluster's fault, never as a shard's.
    """
    kind = _kind(error)
    unfit = _UNFIT.search(str(error)) if kind == "start" else None
    if unfit is not None:
        return WorkerLost(kind, unfit_node(unfit["found"] or ""), "UsageError")
    return WorkerLost(kind, _detail(error))


def unfit_node(found: str) -> str:
    """What is wrong with a node that has wardround in version `found`, or not at all, and how to mend it."""
    has = f"has wardround {found}" if found else "has no wardround"
    return (
        f"a node of the cluster {has}, and this command is wardround {version('wardround')}: install that version on "
        "every node, in the image that they start from or with pip, and start the nodes anew"
    )


def node_is_alive(node: str) -> bool:
    """Whether Ray still counts a node (hex id) as living."""
    return any(entry["NodeID"] == node and entry["Alive"] for entry in ray.nodes())


def _kind(error: RayError) -> LostKind:
    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return "oom"
    if isinstance(error, RuntimeEnvSetupError):
        return "start"
    if not isinstance(error, ActorDiedError) or error.preempted:
        return "node"
    if error.actor_init_failed:
        return "start"
    # Ray gives the cause in words only.
    if "killed by `ray.kill`" in text:
        return "killed"
    if "its worker process has died" in text:
        return "own_signal"
    return "node"


def _detail(error: RayError) -> str:
    return {
        "oom": "Ray's memory monitor ended the worker because its node ran out of memory",
        "start": "Ray could not set up the worker's process",
        "killed": "the worker was ended by a request to Ray",
        "own_signal": "the worker's process died",
        "node": "the worker's node is lost or leaving",
    }[_kind(error)]
