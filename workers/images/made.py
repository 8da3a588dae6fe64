"""A made image through a model of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers.contract import ModelCard, Placement
from workers.images.contract import ImageFormat
from workers.images.prepare.image import Image
from workers.images.prepare.plan import run, split
from workers.images.steps import parse_steps

_SIDE = 224


def score_made(kind: ImageFormat, directory: Path, card: ModelCard) -> Mapping[str, Any]:
    """A slope from black to white of 224 x 224 pixels of 8 bit, prepared as the directory says. Raises RecordError."""
    host, affine = split(parse_steps(list(card.prepare)))
    slope = np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) * 255 // (2 * _SIDE - 2)
    grey = slope.astype(np.uint8)
    pixels = grey if card.channels in (None, 1) else np.stack([grey] * card.channels, 2)
    model = kind.load(directory, card, Placement("cpu", 1, affine))
    array = run(host, Image(pixels, (0.0, 255.0)))
    return {name: values[0] for name, values in model.forward([array]).items()}
