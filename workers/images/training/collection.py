"""A training over images as a job sees it."""

from typing import Any

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers import registry
from workers.contract import ModelCard
from workers.images.collection import ImagesCollection
from workers.images.prepare.model_steps import NAME, is_model_steps
from workers.images.training.augmenting import augmentation
from workers.images.training.settings import ImagesTraining
from workers.images.training.shown import SHOWN
from workers.training.job.collection import Training


class _Reading(ImagesCollection):
    """The images as predict reads them, for a network that has no model directory yet."""

    def prepare(self, card: ModelCard, given: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """The steps of the spec. Raises SpecError for those of a model."""
        if any(map(is_model_steps, given or ())):
            raise SpecError(
                f"prepare: {NAME!r} stands for the steps of a model directory, which a training makes first"
            )
        return super().prepare(card, given)


def open_collection(source: ImagesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The images that the input names. Raises SpecError if they cannot be used."""
    if source.has_volumes:
        # Single images need none of what it imports.
        from workers.images.volumes.training.collection import open_training  # noqa: PLC0415

        return open_training(source, storage, compute)
    if source.record == "image" and source.frame == "all":
        raise SpecError("input.frame: all: a network is shown one frame at a time; say record: frame instead")
    registry.networks("images").require(source.network.name, "input.network.name")
    return Training(source, storage, _Reading(source, storage), SHOWN, augmentation)
