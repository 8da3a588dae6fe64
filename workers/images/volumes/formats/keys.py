"""The keys that every card of a model on volumes has, whatever file holds its weights, and the `ModelCard` of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.loading import validate
from schemas.outputs import OutputField
from workers.contract import ModelCard
from workers.images.formats.onnx import CARD
from workers.images.volumes.card import Structure, VolumeCard, Windows, in_settings
from workers.images.volumes.formats.structures import of_channels
from workers.images.volumes.outputs.settings import Clean
from workers.models.files import read_json
from workers.models.head import Head, check_fields


class VolumeKeys(Frozen):
    """What `workers.images.volumes.formats.native` says of them. `head.labels` name the channels that come out."""

    task: Literal["segmentation", "classification"]
    head: Head
    windows: Windows | None = None
    structures: tuple[Structure, ...] = ()
    threshold: float = 0.5
    clean: tuple[Clean, ...] = ()
    late: bool = False
    air_below: float | None = None
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[str | dict[str, Any], ...] = ()
    value_range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _are_of_its_task(self) -> Self:
        if self.task == "segmentation" and self.outputs:
            raise ValueError("outputs are columns of a classification: name those of a segmentation by 'structures'")
        if self.task == "classification" and self.structures:
            raise ValueError("structures are of a segmentation: leave them out, or say task: segmentation")
        return self


class NamedFormat:
    """A format that a `wardround.json` beside the file has to name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.looks_for = f"{CARD} with format {name!r}"

    def recognises(self, directory: Path) -> bool:
        """Whether `wardround.json` names this format."""
        path = directory / CARD
        return path.is_file() and bool(read_json(path).get("format") == self._name)


def card_of(keys: VolumeKeys, channels: int, settings: Mapping[str, Any], kind: str, where: str) -> ModelCard:
    """The card of a model that takes so many channels. A segmentation's columns follow from its structures and the
    spec, so that its `outputs` are empty. Raises SpecError."""
    volume = validate(VolumeCard, _volume(keys, channels, where), where)
    return ModelCard(
        format=kind,
        outputs=() if keys.task == "segmentation" else check_fields(keys.head, keys.outputs, where),
        prepare=keys.prepare,
        channels=channels,
        value_range=keys.value_range,
        settings={**settings, **in_settings(volume)},
    )


def roi_of(keys: VolumeKeys, sides: tuple[int | None, ...], where: str) -> None:
    """Raises SpecError where windows are not of the sides that a file takes; None is free."""
    wanted = [one for one in sides if one is not None]
    if keys.windows is None and wanted and keys.task == "segmentation":
        raise SpecError(f"{where}: the model takes volumes of {_said(sides)} voxels: give 'windows' of that size")
    if keys.windows is None:
        return
    roi = keys.windows.roi
    if any(one is not None and one != side for one, side in zip(sides, roi, strict=True)):
        raise SpecError(
            f"{where}: the model takes volumes of {_said(sides)} voxels, windows.roi is {_said(roi)}: correct it"
        )


def _said(sides: tuple[int | None, ...]) -> str:
    return " x ".join("any" if one is None else str(one) for one in sides)


def _volume(keys: VolumeKeys, channels: int, where: str) -> Mapping[str, Any]:
    marks = keys.task == "segmentation"
    activation = keys.head.activation
    named = keys.structures or (of_channels(keys.head.labels, activation, where) if marks else ())
    return {
        "task": keys.task,
        "channels": channels,
        "outputs": len(keys.head.labels),
        "activation": activation,
        "threshold": keys.threshold,
        "clean": keys.clean,
        "late": keys.late,
        "windows": keys.windows,
        "structures": named,
        "labels": () if marks else keys.head.labels,
        "air_below": keys.air_below,
    }
