"""A training over images as a job sees it."""

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from schemas.spec import Compute
from workers import registry
from workers.images.collection import ImagesCollection
from workers.images.training.augmenting import augmentation
from workers.images.training.settings import ImagesTraining
from workers.images.training.shown import SHOWN
from workers.training.job.collection import Training


def open_collection(source: ImagesTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The images that the input names. Raises SpecError if they cannot be used."""
    if source.record == "image" and source.frame == "all":
        raise SpecError("input.frame: all: a network is shown one frame at a time; say record: frame instead")
    registry.networks("images").require(source.network.name, "input.network.name")
    augmentation(source)
    return Training(source, storage, ImagesCollection(source, storage), SHOWN)
