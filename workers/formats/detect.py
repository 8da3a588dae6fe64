"""Which format a model directory is of."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from schemas.errors import SpecError
from workers.contract import Affine, Format, Model, ModelCard
from workers.registry import FORMATS, resolve


def describe(directory: Path) -> tuple[str, ModelCard]:
    """Name of the format, as in `workers.registry.FORMATS`, and the card. Imports no torch.

    Raises SpecError if no format knows the directory, or with what is wrong in it.
    """
    if not directory.is_dir():
        raise SpecError(f"{directory}: is not a model directory")
    for name in FORMATS:
        candidate = model_format(name)
        if candidate.recognises(directory):
            return name, candidate.describe(directory)
    raise SpecError(
        f"{directory}: holds no model of a known format. Looked for: config.json with format 'wardround-model'; "
        "wardround.json with format 'text-detector'; one *.onnx file; config.json with architectures "
        "'...ForImageClassification'"
    )


def load(directory: Path, card: ModelCard, affine: Affine | None, device: str, threads: int) -> Model:
    """The model that `card` describes, by its format."""
    return model_format(card.format).load(directory, card, affine, device, threads)


def model_format(name: str) -> Format:
    """The module of one format. Raises SpecError for an unknown name."""
    return cast(Format, resolve(FORMATS, name, "model format"))
