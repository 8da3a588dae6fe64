"""The project's own model directory: `config.json` beside `model.safetensors`.

    {"format": "wardround-model", "format_version": 1,
     "network": "resnet", "settings": {"in_channels": 1, "num_outputs": 2, ...},
     "head": {"activation": "softmax", "labels": ["normal", "pneumonia"]},
     "outputs": [...],   optional: one float32 a label, in order; default `score_<label>`
     "prepare": [...],   optional: prepare steps as they stand in a spec
     "value_range": [0, 1],   optional: the smallest and largest value that the network takes, after all steps
     "members": ["model-0.safetensors", ...]}   optional: weights of several networks, whose mean score is the model's

Settings of each network and names of its weights: workers/images/networks/.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from schemas.outputs import OutputField
from workers import registry
from workers.contract import Model, ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.models.head import check_fields
from workers.models.network_directory import (
    CONFIG,
    EnsembleConfig,
    NetworkDirectory,
    NetworkSizes,
    settings_of,
)


class NativeConfig(EnsembleConfig):
    """`config.json`."""

    format: Literal["wardround-model"]
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[str | dict[str, Any], ...] = ()
    value_range: tuple[float, float] | None = None


class ImageSizes(NetworkSizes):
    """What every network on images has."""

    in_channels: int = Field(ge=1)


class Native(NetworkDirectory[NativeConfig, ImageSizes]):
    """One of the networks in workers/images/networks/."""

    name = "wardround-model"
    config = NativeConfig
    sizes = ImageSizes
    networks = registry.networks("images")

    def card(self, directory: Path, config: NativeConfig, sizes: ImageSizes) -> ModelCard:
        """The card of an image network, with the prepare steps that its config names."""
        return ModelCard(
            format="native",
            outputs=check_fields(config.head, config.outputs, str(directory / CONFIG)),
            prepare=config.prepare,
            channels=sizes.in_channels,
            value_range=config.value_range,
            settings=settings_of(config),
        )

    def load(self, directory: Path, card: ModelCard, placement: Placement) -> Model:
        """The network folded for evaluation on its device (workers/images/networks/fold.py)."""
        from workers.images.formats import native_loaded  # noqa: PLC0415 - imports torch, which the driver must not

        return native_loaded.load(directory, card, placement)


FORMAT: ImageFormat = Native()
