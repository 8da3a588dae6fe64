"""`model`: in the `prepare` list of a spec, the place of the model's own steps."""

from collections.abc import Mapping
from typing import Any, ClassVar

from workers.images.prepare.base import PrepareStep
from workers.images.prepare.image import Image

NAME = "model"


class ModelSteps(PrepareStep):
    """Stands for all steps that the model directory lists, in their order: `prepare: [voi, to_uint8, model]`.

    A spec alone can have it, and once: it is replaced before the run is planned.
    """

    name: ClassVar[str] = NAME

    def apply(self, image: Image) -> Image:
        raise self.reject("stands for the model's own steps, so these cannot have it themselves")


def is_model_steps(entry: object) -> bool:
    """Whether an entry of a `prepare` list is this step."""
    return entry == NAME or (isinstance(entry, Mapping) and set(entry) == {NAME} and not _settings(entry))


def _settings(entry: Mapping[str, Any]) -> Any:
    return entry[NAME]
