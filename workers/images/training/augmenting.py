"""The augmentation that a spec asks for. Imports no torch: the driver asks for it too."""

from schemas.errors import SpecError
from workers.images.augment.augmentation import Augmentation
from workers.images.augment.steps import AUGMENT, parse_augment
from workers.images.training.settings import ImagesTraining
from workers.training.sampler import smallest_part

__all__ = ["AUGMENT", "augmentation"]


def augmentation(source: ImagesTraining, examples: int | None = None) -> Augmentation:
    """Its steps, checked; once it is known, against the number of images that are learned from. Raises SpecError."""
    classes = next(iter(source.outputs.values())).classes
    found = Augmentation(parse_augment(list(source.augment)), source.output_task, len(classes))
    fit = source.fit
    if found.mixes and smallest_part(examples or fit.batch, fit, source.processes) < 2:
        of = "" if examples is None else f", {examples} images"
        raise SpecError(
            "augment: mixup mixes images that the network is shown at once, and some parts of a step have one image "
            f"(fit.batch {fit.batch}, fit.accumulate {fit.accumulate}, processes {source.processes}{of}), which would "
            "be mixed with nothing: make the batch larger, or the parts fewer"
        )
    return found
