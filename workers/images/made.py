"""A made image, or volume, through a model of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers.contract import ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.prepare.image import Image
from workers.images.prepare.plan import run, split
from workers.images.steps import parse_steps
from workers.images.volumes import made as made_volume
from workers.images.volumes.card import volume_card

_SIDE = 224


def score_made(kind: Any, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """A slope from black to white, prepared as the directory says: 224 x 224 pixels of 8 bit, or a volume for a model
    on volumes. Raises RecordError."""
    volume = volume_card(card)
    return _image(kind, directory, card) if volume is None else made_volume.score_made(kind, directory, card, volume)


def _image(kind: ImageFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    host, affine = split(parse_steps(list(card.prepare)))
    slope = np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) * 255 // (2 * _SIDE - 2)
    grey = slope.astype(np.uint8)
    pixels = grey if card.channels in (None, 1) else np.stack([grey] * card.channels, 2)
    model = kind.load(directory, card, Placement("cpu", 1, affine))
    array = run(host, Image(pixels, (0.0, 255.0)))
    return {name: values[0] for name, values in model.forward([array]).items()}
