"""What Ray starts a worker with travels by value: nothing of ours has to be found before it has looked."""

import io
import pickle
from typing import Any

import pytest
import ray

from cluster.pool.entry import WorkerEntry
from schemas.import_path import PACKAGES, ROOT, claim


class Recorder(pickle.Unpickler):
    """Unpickles, and remembers what was imported for it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(io.BytesIO(body))
        self.found: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        self.found.append(module)
        return super().find_class(module, name)


def imported_for(what: Any) -> set[str]:
    recorder = Recorder(ray.cloudpickle.dumps(what))
    recorder.load()
    return {module.partition(".")[0] for module in recorder.found}


def test_neither_it_nor_what_finds_our_packages_is_a_name_that_has_to_be_imported() -> None:
    assert imported_for(WorkerEntry).isdisjoint(PACKAGES)
    assert imported_for(claim).isdisjoint(PACKAGES)


def test_everything_else_of_ours_is() -> None:
    from cluster.pool.actor import WorkerActor

    assert "cluster" in imported_for(WorkerActor)


def test_what_the_driver_calls_is_there() -> None:
    # ray.remote takes methods by name: a driver of this version calls these two.
    assert {"exchange", "stop"} <= set(vars(WorkerEntry))


def test_a_node_with_another_version_says_so_before_it_builds_anything() -> None:
    with pytest.raises(ImportError, match=r"this node has wardround \S+ and the driver 99\.0"):
        WorkerEntry(ROOT, "99.0", "no:factory", {}, 1, 0)
