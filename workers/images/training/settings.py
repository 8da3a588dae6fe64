"""What a spec says of a training over images. Imports nothing heavy: the driver reads this too."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, WithJsonSchema

from workers.images.augment.steps import AUGMENT
from workers.images.settings import ImagesInput
from workers.prepare_list import list_schema
from workers.training.job.settings import TrainKeys

_LIST = list_schema(AUGMENT.items(), lambda step: step.model_json_schema())


class ImagesTraining(TrainKeys, ImagesInput):
    """`input:` of a training over images: that of predict, and what is learned from it."""

    searchable: ClassVar[tuple[str, ...]] = (*TrainKeys.searchable, "augment")

    augment: Annotated[tuple[Any, ...], WithJsonSchema(_LIST)] = Field(
        default=(), description="random changes of the images that are learned from, such as flip, in order"
    )


INPUT = ImagesTraining
"""What `input:` of a spec is checked against."""
