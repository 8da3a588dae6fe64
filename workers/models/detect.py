"""Which format a model directory is of."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from schemas.errors import SpecError
from workers.contract import Format, ModelCard
from workers.registry import EXTRAS, FORMATS, resolve


def describe(directory: Path, collection: str = "images") -> tuple[str, ModelCard]:
    """Name of the format, one of the collection's in `workers.registry.FORMATS`, and the card. Imports no torch.

    Raises SpecError if no format knows the directory, or with what is wrong in it.
    """
    if not directory.is_dir():
        raise SpecError(f"{directory}: is not a model directory")
    names = FORMATS.get(collection, {})
    for name in names:
        candidate = model_format(name, collection)
        if candidate.recognises(directory):
            return name, candidate.describe(directory)
    looked = "; ".join(model_format(name, collection).LOOKS_FOR for name in names)
    raise SpecError(f"{directory}: holds no model of a known format for {collection}. Looked for: {looked}")


def model_format(name: str, collection: str = "images") -> Format:
    """The module of one format. Raises SpecError for an unknown name."""
    return cast(Format, resolve(FORMATS[collection], name, "model format", EXTRAS.get(collection, "all")))
