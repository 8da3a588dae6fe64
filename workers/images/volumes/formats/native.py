"""The project's own model directory for volumes: `config.json` beside `model.safetensors`.

    {"format": "wardround-volume-model", "format_version": 1,
     "task": "segmentation",      or classification
     "network": "monai.UNet", "settings": {"in_channels": 1, "num_outputs": 3, "channels": [...], "strides": [...]},
     "head": {"activation": "softmax", "labels": ["background", "anterior", "posterior"]},   of channels
     "windows": {"roi": [64, 64, 64], "overlap": [0.5, 0.5, 0.5], "blend": "gaussian"},   without: the whole volume
     "structures": [{"name": "anterior", "label": 1, "channel": 1,
                     "code": {"scheme": "SCT", "value": "279326005", "meaning": "..."}}],
                                  optional: one a channel but the background, named as it, see `structures.of_channels`
     "threshold": 0.5,            optional, of sigmoid
     "air_below": 0.0,            optional, see `workers.images.volumes.card`
     "outputs": [...],            optional, of classification: one float32 a label, in order
     "prepare": [...], "value_range": [0, 1], "notes": "...",     optional, as of models on images
     "members": ["model-0.safetensors", ...], "mean": "logits"}   optional: several networks, see `Mean`

Settings of each network and names of its weights: workers/images/volumes/networks/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.errors import SpecError
from schemas.loading import validate
from schemas.outputs import OutputField
from workers import registry
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import Structure, VolumeCard, Windows, in_settings
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.structures import of_channels
from workers.models.head import check_fields
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, NetworkSizes, settings_of

Mean = Literal["logits", "probabilities"]
"""What several networks average in each window, before windows are blended: logits, or probabilities."""


class VolumeConfig(EnsembleConfig):
    """`config.json`."""

    format: Literal["wardround-volume-model"]
    task: Literal["segmentation", "classification"]
    windows: Windows | None = None
    structures: tuple[Structure, ...] = ()
    threshold: float = 0.5
    air_below: float | None = None
    mean: Mean | None = None
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[str | dict[str, Any], ...] = ()
    value_range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _says_which_mean(self) -> Self:
        if len(self.members) > 1 and self.mean is None:
            raise ValueError("several members need 'mean': logits or probabilities")
        if self.mean == "probabilities" and self.head.activation == "none":
            raise ValueError("mean: probabilities needs an activation that makes them: softmax or sigmoid")
        if self.task == "segmentation" and self.outputs:
            raise ValueError("outputs are columns of a classification: name those of a segmentation by 'structures'")
        return self


class VolumeSizes(NetworkSizes):
    """What every network on volumes has."""

    in_channels: int = Field(ge=1)


class NativeVolume(NetworkDirectory[VolumeConfig, VolumeSizes]):
    """One of the networks in workers/images/volumes/networks/."""

    name = "wardround-volume-model"
    config = VolumeConfig
    sizes = VolumeSizes
    networks = registry.networks(registry.VOLUMES)

    def card(self, directory: Path, config: VolumeConfig, sizes: VolumeSizes) -> ModelCard:
        """The card of a network on volumes. A segmentation's columns follow from its structures and the spec, so that
        its `outputs` are empty."""
        path = str(directory / CONFIG)
        volume = validate(VolumeCard, _volume(config, sizes, path), path)
        marks = config.task == "segmentation"
        return ModelCard(
            format="volume",
            outputs=() if marks else check_fields(config.head, config.outputs, path),
            prepare=config.prepare,
            channels=sizes.in_channels,
            value_range=config.value_range,
            settings={**settings_of(config), "mean": config.mean, **in_settings(volume)},
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """The network on its device. Raises SpecError where weights, settings or windows do not fit each other."""
        from workers.images.volumes.formats import native_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return native_loaded.load(directory, card, placement)


def _volume(config: VolumeConfig, sizes: VolumeSizes, where: str) -> Mapping[str, Any]:
    marks = config.task == "segmentation"
    if not marks and config.structures:
        raise SpecError(f"{where}: structures are of a segmentation: leave them out, or say task: segmentation")
    activation = config.head.activation
    named = config.structures or (of_channels(config.head.labels, activation, where) if marks else ())
    return {
        "task": config.task,
        "channels": sizes.in_channels,
        "outputs": sizes.num_outputs,
        "activation": activation,
        "threshold": config.threshold,
        "windows": config.windows,
        "structures": named,
        "labels": () if marks else config.head.labels,
        "air_below": config.air_below,
    }


FORMAT: VolumeFormat = NativeVolume()
