"""The augmentation that a spec asks for. Imports no torch: the driver asks for it too."""

from workers.images.augment.augmentation import Augmentation
from workers.images.augment.steps import AUGMENT, parse_augment
from workers.images.training.settings import ImagesTraining

__all__ = ["AUGMENT", "augmentation"]


def augmentation(source: ImagesTraining) -> Augmentation:
    """Its steps, checked. Raises SpecError."""
    classes = next(iter(source.outputs.values())).classes
    return Augmentation(parse_augment(list(source.augment)), source.output_task, len(classes))
