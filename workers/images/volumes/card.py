"""What a directory says of a model on volumes, whatever its format: structures, windows, activation."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.frozen import Frozen
from workers.contract import ModelCard

Sides = tuple[int, int, int]


class Code(Frozen):
    """A coded concept, such as SNOMED CT's of the liver: SCT, 10200004, Liver."""

    scheme: str = Field(description="coding scheme designator, such as SCT")
    value: str = Field(description="the code")
    meaning: str = Field(description="what it means, in words")


class Structure(Frozen):
    """One structure that a model marks."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="its column in the output")
    label: int = Field(ge=1, le=65_535, description="its value in the label map")
    channel: int = Field(ge=0, description="the channel of the network's output that marks it")
    code: Code | None = Field(default=None, description="what it is in a terminology, for DICOM-SEG")


class Windows(Frozen):
    """How a volume is cut for the network, after `monai.inferers.sliding_window_inference`."""

    roi: Sides = Field(description="voxels of a window along i, j and k")
    overlap: tuple[float, float, float] = Field(
        default=(0.5, 0.5, 0.5), description="share of a window that its neighbour covers too, along each axis"
    )
    blend: Literal["constant", "gaussian"] = Field(default="constant", description="weight of a window's voxels")
    sigma_scale: float = Field(default=0.125, gt=0, description="of gaussian: standard deviation in windows")
    padding: Literal["constant", "edge", "reflect"] = Field(
        default="constant", description="what a volume smaller than a window is filled up with"
    )
    fill: float = Field(default=0.0, description="the value of constant padding")
    mirror: tuple[Literal[0, 1, 2], ...] = Field(
        default=(), description="axes along which the network is shown every window mirrored too; the mean counts"
    )
    batch: int = Field(default=4, ge=1, description="windows in one pass, until a measurement says better")


class VolumeCard(Frozen):
    """What is known of a model on volumes without torch; the `settings` of its `ModelCard` under the key `volume`."""

    task: Literal["segmentation", "classification"]
    channels: int = Field(ge=1, description="channels that go in")
    outputs: int = Field(ge=1, description="channels, or numbers, that come out")
    activation: Literal["softmax", "sigmoid", "none"] = Field(
        description="softmax: a voxel has one structure; sigmoid: each on its own, they may overlap"
    )
    threshold: float = Field(default=0.5, description="of sigmoid: from where on a voxel is marked")
    windows: Windows | None = Field(default=None, description="none: the whole volume goes in at once")
    structures: tuple[Structure, ...] = ()
    labels: tuple[str, ...] = Field(default=(), description="of classification: names of the numbers that come out")
    air_below: float | None = Field(
        default=None,
        description="windows all of whose prepared values are at most this are background and are not shown; only "
        "where the model says so",
    )

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        if self.task == "segmentation":
            if not self.structures:
                raise ValueError("a segmentation needs structures")
            if max(one.channel for one in self.structures) >= self.outputs:
                raise ValueError("a structure names a channel that the network does not have")
            for what in ("name", "label", "channel"):
                values = [getattr(one, what) for one in self.structures]
                if len(set(values)) < len(values):
                    raise ValueError(f"two structures have one {what}")
        elif len(self.labels) != self.outputs:
            raise ValueError("a classification needs one label an output")
        return self


KEY = "volume"


def in_settings(card: VolumeCard) -> Mapping[str, Any]:
    """What the `settings` of a `ModelCard` hold of it."""
    return {KEY: card.model_dump(mode="json")}


def volume_card(card: ModelCard) -> VolumeCard | None:
    """What is known of a model on volumes; None: it is a model on single images."""
    found = card.settings.get(KEY)
    return None if found is None else VolumeCard.model_validate(found)
