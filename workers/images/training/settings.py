"""What a spec says of a training over images. Imports nothing heavy: the driver reads this too."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, WithJsonSchema, model_validator

from workers import registry
from workers.images.augment.steps import AUGMENT
from workers.images.settings import ImagesInput
from workers.images.volumes.augment import steps as of_volumes
from workers.images.volumes.training.settings import OF_VOLUMES, VolumeKeys
from workers.prepare_list import list_schema
from workers.training.job.settings import TrainKeys

_LIST = list_schema([*AUGMENT.items(), *of_volumes.AUGMENT.items()], lambda step: step.model_json_schema())


class ImagesTraining(TrainKeys, VolumeKeys, ImagesInput):
    """`input:` of a training over images: that of predict, and what is learned from it."""

    searchable: ClassVar[tuple[str, ...]] = (*TrainKeys.searchable, "augment", "patches")

    augment: Annotated[tuple[Any, ...], WithJsonSchema(_LIST)] = Field(
        default=(),
        description="random changes of the images that are learned from, such as flip, in order; of volumes by default "
        "those of nnU-Net without its mirroring",
    )

    @model_validator(mode="before")
    @classmethod
    def _volumes_have_usual_steps(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("record") in ("series", "study") and "augment" not in given:
            return {**given, "augment": of_volumes.USUAL}
        return given

    @model_validator(mode="after")
    def _marks_volumes(self) -> Self:
        for name in OF_VOLUMES if not self.has_volumes else ():
            if name in self.model_fields_set:
                raise ValueError(f"{name} is of volumes: add record: series")
        if self.has_volumes and not self.is_segmentation:
            raise ValueError("outputs: volumes are learned with task: segmentation")
        return self

    @property
    def tasks_of_its_own(self) -> tuple[str, ...]:
        """Label maps are of volumes."""
        return ("segmentation",) if self.has_volumes else ()

    @property
    def networks_of(self) -> str:
        """Those on single images, or on volumes."""
        return registry.VOLUMES if self.has_volumes else "images"


INPUT = ImagesTraining
"""What `input:` of a spec is checked against."""
