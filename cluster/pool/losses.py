"""Tells why a Ray actor is gone, from what Ray says of it. Each sentence that is looked for is pinned by a test."""

from __future__ import annotations

import ray
from ray.exceptions import ActorDiedError, OutOfMemoryError, RayError, RuntimeEnvSetupError

from cluster.pool.contract import LostKind, WorkerLost


def classify(error: RayError) -> WorkerLost:
    """The loss behind an error of a call to an actor.

    What is not known for certain to be the process's own end counts as the cluster's fault, never as a shard's.
    """
    return WorkerLost(_kind(error), _detail(error))


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
