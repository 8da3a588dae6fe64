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
     "clean": [{"step": "keep_largest"}],   optional, of segmentation: what is tidied of what it marks
     "air_below": 0.0,            optional, see `workers.images.volumes.card`
     "outputs": [...],            optional, of classification: one float32 a label, in order
     "prepare": [...], "value_range": [0, 1], "notes": "...",     optional, as of models on images
     "members": ["model-0.safetensors", ...], "mean": "logits"}   optional: several networks, see `Mean`

Settings of each network and names of its weights: workers/images/volumes/networks/.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from workers import registry
from workers.contract import ModelCard, Placement
from workers.images.volumes.contract import VolumeFormat, VolumeModel
from workers.images.volumes.formats.keys import VolumeKeys, card_of
from workers.models.network_directory import CONFIG, EnsembleConfig, NetworkDirectory, NetworkSizes, settings_of

Mean = Literal["logits", "probabilities"]
"""What several networks average in each window, before windows are blended: logits, or probabilities."""


class VolumeConfig(VolumeKeys, EnsembleConfig):
    """`config.json`."""

    format: Literal["wardround-volume-model"]
    mean: Mean | None = None

    @model_validator(mode="after")
    def _says_which_mean(self) -> Self:
        if len(self.members) > 1 and self.mean is None:
            raise ValueError("several members need 'mean': logits or probabilities")
        if self.mean == "probabilities" and self.head.activation == "none":
            raise ValueError("mean: probabilities needs an activation that makes them: softmax or sigmoid")
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
        """The card of a network on volumes."""
        settings = {**settings_of(config), "mean": config.mean}
        return card_of(config, sizes.in_channels, settings, "volume", str(directory / CONFIG))

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> VolumeModel:
        """The network on its device. Raises SpecError where weights, settings or windows do not fit each other."""
        from workers.images.volumes.formats import native_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return native_loaded.load(directory, card, placement)


FORMAT: VolumeFormat = NativeVolume()
