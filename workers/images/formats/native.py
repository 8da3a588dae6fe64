"""The project's own model directory: `config.json` beside `model.safetensors`.

    {"format": "wardround-model", "format_version": 1,
     "network": "resnet", "settings": {"in_channels": 1, "num_outputs": 2, ...},
     "head": {"activation": "softmax", "labels": ["normal", "pneumonia"]},
     "outputs": [...],   optional: one float32 a label, in order; default `score_<label>`
     "prepare": [...]}   optional: prepare steps as they stand in a spec

Settings of each network and names of its weights: workers/images/networks/.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import nearest, validate
from schemas.outputs import OutputField
from workers.contract import Affine, Model, ModelCard
from workers.models.files import check_safetensors, read_json
from workers.models.head import Head, check_fields
from workers.registry import NETWORKS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
NAME = "wardround-model"


class NativeConfig(BaseModel):
    """`config.json`. `settings` are those of the network's own `Config`, which checks them at load."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["wardround-model"]
    format_version: Literal[1]
    network: str
    settings: dict[str, Any]
    head: Head
    outputs: tuple[OutputField, ...] = ()
    prepare: tuple[dict[str, Any], ...] = ()
    notes: str = Field(default="", description="free text: data, licence, intended use")


LOOKS_FOR = "config.json with format 'wardround-model'"


def recognises(directory: Path) -> bool:
    """Whether `config.json` names this format."""
    path = directory / CONFIG
    return path.is_file() and read_json(path).get("format") == NAME


def describe(directory: Path) -> ModelCard:
    """The card from `config.json`. Raises SpecError with what is wrong, SecurityError if the weights are a pickle."""
    path = directory / CONFIG
    config = validate(NativeConfig, read_json(path), str(path))
    check_safetensors(directory / WEIGHTS)
    if config.network not in NETWORKS:
        hint = nearest(config.network, NETWORKS) or "."
        raise SpecError(f"{path}: network {config.network!r} is unknown{hint} Known: {', '.join(sorted(NETWORKS))}")
    channels = _count(config.settings, "in_channels", path)
    if _count(config.settings, "num_outputs", path) != len(config.head.labels):
        raise SpecError(f"{path}: settings.num_outputs differs from the number of head.labels")
    return ModelCard(
        format="native",
        outputs=check_fields(config.head, config.outputs, str(path)),
        prepare=config.prepare,
        channels=channels,
        settings={
            "network": config.network,
            "settings": config.settings,
            "activation": config.head.activation,
        },
    )


def load(directory: Path, card: ModelCard, affine: Affine | None, device: str, threads: int) -> Model:
    """The network folded for evaluation on `device` (workers/images/networks/fold.py).

    Raises SpecError if settings or weights do not fit the network, naming each tensor that is missing or too many.
    """
    from workers.images.formats import native_loaded  # noqa: PLC0415 - imports torch, which the driver must not

    return native_loaded.load(directory / WEIGHTS, card, affine, device, threads)


def _count(settings: Mapping[str, Any], key: str, path: Path) -> int:
    value = settings.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpecError(f"{path}: settings.{key} must be a positive number")
    return value
