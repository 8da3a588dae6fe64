"""What Ray starts a worker with, while that process does not know yet where our packages are.

Ray puts the driver's working directory first on the path of its workers, where a folder `cluster` of the user's would
be taken for ours. So this class travels by value: it is pickled with its code, instead of as a name to be imported.
"""

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import ray

from schemas.import_path import claim


class WorkerEntry:
    """The actor: takes our packages from `root`, where the driver has them, and then is the worker's actor."""

    def __init__(self, root: str, version: str, factory: str, job: Mapping[str, Any], cpus: float, gpus: float) -> None:
        claim(root)
        # Another version would read the run's files in another way; where none is, the import below says so.
        found = {one.version for one in metadata.distributions(name="wardround")}
        if found and version not in found:
            raise ImportError(f"this node has wardround {min(found)} and the driver {version}")
        from cluster.pool.actor import WorkerActor  # noqa: PLC0415 - only from here on it is sure to be ours

        self._actor = WorkerActor(factory, job, cpus, gpus, ray.get_runtime_context().get_node_id())

    def exchange(self, acknowledged: int, commands: Any) -> Any:
        """Carry out commands and answer: see `WorkerActor.exchange`."""
        return self._actor.exchange(acknowledged, commands)

    def stop(self) -> None:
        """Close the worker. The last call."""
        self._actor.stop()


for _module in (__name__, claim.__module__):
    ray.cloudpickle.register_pickle_by_value(sys.modules[_module])
