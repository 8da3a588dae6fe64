"""What a directory says of a model on volumes, whatever its format: structures, windows, activation."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.frozen import Frozen
from workers.contract import ModelCard
from workers.images.volumes.outputs.settings import Clean

Sides = tuple[int, int, int]


def _three(given: object) -> object:
    """MONAI takes one number for all axes."""
    return given if isinstance(given, Sequence) else (given, given, given)


PerAxis = Annotated[tuple[float, float, float], BeforeValidator(_three)]


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
    """How a volume is cut for a network: as MONAI 1.6.1 does (`sliding_window_inference`), or as nnU-Net 2."""

    roi: Sides = Field(
        description="voxels of a window along i, j and k; where it is below 1, the window is as long as the volume"
    )
    overlap: PerAxis = Field(
        default=(0.5, 0.5, 0.5),
        description="share of a window that its neighbour covers too, along each axis, or one number for all",
    )
    steps: Literal["monai", "nnunet"] = Field(
        default="monai",
        description="monai: equal steps, and the last window is moved back to end with the volume; nnunet: as many "
        "windows as are needed, spread evenly (its `compute_steps_for_sliding_window`; its step size is 1 - overlap)",
    )
    blend: Literal["constant", "gaussian", "nnunet"] = Field(
        default="constant",
        description="weight of a window's voxels: all alike, MONAI's Gaussian, or nnU-Net's (its `compute_gaussian`, "
        "in half precision)",
    )
    sigma_scale: PerAxis = Field(
        default=(0.125, 0.125, 0.125), description="of a Gaussian: standard deviation in windows, along each axis"
    )
    padding: Literal["constant", "edge", "reflect", "wrap"] = Field(
        default="constant",
        description="what a volume smaller than a window is filled up with on both sides (MONAI: constant, replicate, "
        "reflect, circular)",
    )
    fill: float = Field(default=0.0, description="the value of constant padding")
    mirror: tuple[Literal[0, 1, 2], ...] = Field(
        default=(),
        description="axes along which the network is shown every window mirrored too, alone and together; the mean "
        "of its logits counts",
    )
    batch: int = Field(default=4, ge=1, description="windows in one pass, until a measurement says better")

    @model_validator(mode="after")
    def _can_be_cut(self) -> Self:
        if not all(0 <= share < 1 for share in self.overlap):
            raise ValueError("overlap is at least 0 and below 1")
        if not all(scale > 0 for scale in self.sigma_scale):
            raise ValueError("sigma_scale is above 0")
        if len(set(self.mirror)) < len(self.mirror):
            raise ValueError("mirror names an axis twice")
        return self


class VolumeCard(Frozen):
    """What is known of a model on volumes without torch; the `settings` of its `ModelCard` under the key `volume`."""

    task: Literal["segmentation", "classification"]
    channels: int = Field(ge=1, description="channels that go in")
    outputs: int = Field(ge=1, description="channels, or numbers, that come out")
    activation: Literal["softmax", "sigmoid", "none"] = Field(
        description="softmax: a voxel has one structure; sigmoid: each on its own, they may overlap"
    )
    threshold: float = Field(default=0.5, description="of sigmoid: from where on a voxel is marked")
    late: bool = Field(
        default=False,
        description="whether the activation comes after the way back to the original grid, as nnU-Net has it; else "
        "before it, as MONAI has it",
    )
    windows: Windows | None = Field(default=None, description="none: the whole volume goes in at once")
    structures: tuple[Structure, ...] = ()
    clean: tuple[Clean, ...] = Field(
        default=(), description="what is tidied of what it marks, before what the spec asks for"
    )
    labels: tuple[str, ...] = Field(default=(), description="of classification: names of the numbers that come out")
    air_below: float | None = Field(
        default=None,
        description="windows all of whose prepared values are at most this are alike to the network, and one of them "
        "is shown for all; a network that tells them apart is refused",
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
            self._check_clean()
            if self.activation == "softmax" and self.outputs < 2:
                raise ValueError("softmax over one output marks everything: say sigmoid")
        elif len(self.labels) != self.outputs:
            raise ValueError("a classification needs one label an output")
        elif self.windows is not None:
            raise ValueError("a classification takes whole volumes: leave windows out")
        return self

    def _check_clean(self) -> None:
        known = {one.name for one in self.structures}
        unknown = [name for step in self.clean for name in step.structures if name not in known]
        if unknown:
            raise ValueError(f"clean names {unknown[0]!r}, which is no structure of it")


KEY = "volume"


def in_settings(card: VolumeCard) -> Mapping[str, Any]:
    """What the `settings` of a `ModelCard` hold of it."""
    return {KEY: card.model_dump(mode="json")}


def volume_card(card: ModelCard) -> VolumeCard | None:
    """What is known of a model on volumes; None: it is a model on single images."""
    found = card.settings.get(KEY)
    return None if found is None else VolumeCard.model_validate(found)
