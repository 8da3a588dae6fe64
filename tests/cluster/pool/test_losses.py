from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from cluster.pool.losses import classify, describe_shortage


def node(alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"Alive": alive, "Resources": resources}


def test_what_fits_on_a_node_is_taken_by_others() -> None:
    said = describe_shortage(2, 0, 3 << 30, [node(CPU=4, memory=8 << 30)], {"CPU": 1.0})
    assert said == (
        "each worker asks for 2 CPU, 0 GPU, 3.0 GiB; the cluster has 4 CPU, 0 GPU, 8.0 GiB on 1 node(s), "
        "of which 1 CPU, 0 GPU are free; what is there is taken: wait for other jobs, or lower compute.workers.min"
    )


def test_two_nodes_that_hold_a_worker_only_together_are_too_small() -> None:
    said = describe_shortage(3, 0, 0, [node(CPU=2), node(CPU=2)], {"CPU": 4.0})
    assert "the cluster has 4 CPU, 0 GPU on 2 node(s)" in said
    assert said.endswith("no node is big enough for one worker: add such a node, or ask for less in compute")


def test_one_node_must_have_the_cores_and_the_gpu() -> None:
    assert "no node is big enough" in describe_shortage(4, 1, 0, [node(CPU=8), node(CPU=1, GPU=4)], {})


def test_a_dead_node_does_not_count() -> None:
    said = describe_shortage(1, 0, 0, [node(alive=False, CPU=64)], {})
    assert "the cluster has 0 CPU, 0 GPU on 0 node(s)" in said
    assert "no node is big enough" in said


def test_half_a_gpu_is_said_as_it_was_asked_for() -> None:
    assert "asks for 1 CPU, 0.5 GPU;" in describe_shortage(1, 0.5, 0, [node(CPU=1, GPU=1)], {})


@pytest.mark.parametrize(
    ("said", "has"),
    [
        ("ModuleNotFoundError: No module named 'cluster'", "a node of the cluster has no wardround, and"),
        (
            "ImportError: this node has wardround 0.0.9 and the driver 0.1.0",
            "a node of the cluster has wardround 0.0.9",
        ),
    ],
)
def test_a_node_without_wardround_or_with_another_is_told_with_what_to_do(said: str, has: str) -> None:
    lost = classify(ActorDiedError(RayTaskError("__init__", said, ImportError())))
    assert (lost.kind, lost.error_type) == ("start", "UsageError")
    assert has in lost.detail
    assert f"this command is wardround {version('wardround')}: install that version on every node" in lost.detail
