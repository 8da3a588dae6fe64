"""What a spec says of a training over images. Imports nothing heavy: the driver reads this too."""

from typing import Any

from pydantic import Field

from workers.images.settings import ImagesInput
from workers.training.job.settings import TrainKeys


class ImagesTraining(TrainKeys, ImagesInput):
    """`input:` of a training over images: that of predict, and what is learned from it."""

    augment: tuple[Any, ...] = Field(
        default=(), description="random changes of the images that are learned from, such as flip, in order"
    )


INPUT = ImagesTraining
"""What `input:` of a spec is checked against."""
