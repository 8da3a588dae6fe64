"""A training over volumes as a job sees it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers import registry
from workers.collection import StagePlan
from workers.images.collection import ImagesCollection
from workers.images.volumes.augment.steps import parse_augment
from workers.images.volumes.models import checked_steps
from workers.images.volumes.prepare.axes import directions
from workers.images.volumes.training.shown import SHOWN
from workers.images.volumes.training.steps import planned_steps
from workers.training.job.collection import Training


class VolumeTraining(Training):
    """Where a spec has no prepare list, one is planned once the headers of all volumes are known."""

    _is_planned = False

    def take_steps(self, given: tuple[Any, ...] | None) -> None:
        """The prepare list of the spec. Raises SpecError."""
        self._is_planned = given is None
        self._steps = () if given is None else checked_steps(given)
        said = [name for name in ("spacing", "normalise") if name in self.source.model_fields_set]
        if given is not None and said:
            raise SpecError(f"input.{said[0]}: the prepare list says how volumes are prepared: leave one of them out")

    def steps_for(self, plan: StagePlan) -> tuple[Any, ...]:
        """As the spec says, or planned from the spacing of all volumes."""
        if not self._is_planned:
            return self._steps
        found = list(_spacings(plan)) if self.source.spacing == "median" else []
        return planned_steps(self.source, found)


def _spacings(plan: StagePlan) -> Iterator[Sequence[float]]:
    """A spacing for every volume that can be read, along its axes to the right, to the front and up."""
    for batch in plan.batches():
        for values in batch.column("affine").to_pylist():
            if values is not None:
                axes = np.reshape(values, (4, 4))[:3, :3]
                order = [axis for axis, _ in directions(np.reshape(values, (4, 4)))]
                yield [float(np.linalg.norm(axes[:, order.index(space)])) for space in range(3)]


def check(source: Any) -> None:
    """Raises SpecError for augmentation that cannot be."""
    parse_augment(list(source.augment))


def open_training(source: Any, storage: StorageSettings, compute: Compute) -> VolumeTraining:
    """The volumes that the input names. Raises SpecError if they cannot be used."""
    registry.networks(source.networks_of).require(source.network.name, "input.network.name")
    inner = ImagesCollection(source, storage, compute.shard_records)
    return VolumeTraining(source, storage, inner, SHOWN, check)
