"""Volumes with a ball to be found, and a trainer on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workers.images.training.settings import ImagesTraining
from workers.images.volumes.training.recipe import RECIPES, SegmentationRecipe
from workers.images.volumes.training.shown import ShownVolumes, columns_of
from workers.images.volumes.volume import Grid
from workers.training.job.heads import head_of
from workers.training.job.materials import Part
from workers.training.job.recipes import FitTask
from workers.training.trainer import Data, Trainer

SHAPES = [(12, 14, 10), (14, 12, 12), (13, 12, 11), (12, 16, 9)]


def rows(count: int, seed: int = 0) -> pa.Table:
    """A ball in noise, one half of it brighter."""
    chance, found = np.random.default_rng(seed), []
    for number in range(count):
        shape = SHAPES[number % len(SHAPES)]
        at = np.stack(np.meshgrid(*(np.arange(side) for side in shape), indexing="ij"), -1)
        middle = chance.uniform(4, np.array(shape) - 4)
        inside = np.linalg.norm(at - middle, axis=-1) <= 4.5
        classes = (inside * (1 + (at[..., 0] > middle[0]))).astype(np.int16)
        voxels = (classes * 3 + chance.normal(0, 0.5, shape)).astype(np.float32)
        found.append(columns_of(voxels[None], classes, Grid(shape, np.eye(4)), "", []))
    return pa.Table.from_pylist(found)


def source(**more: Any) -> ImagesTraining:
    """A training of two structures."""
    given = {
        "collection": "images",
        "record": "series",
        "uri": "volumes/",
        "labels": {"uri": "labels/", "pattern": "{id}"},
        "outputs": {"ball": {"task": "segmentation", "structures": {"near": 1, "far": 2}}},
        "network": {"name": "res_unet", "settings": {"channels": [4, 8]}},
        "fit": {"epochs": 2, "batch": 2, "learning_rate": 0.01},
        **more,
    }
    return ImagesTraining.model_validate(given)


def opened(asked: ImagesTraining, train: ShownVolumes) -> SegmentationRecipe:
    """The recipe of these settings."""
    return RECIPES.open(FitTask(asked, ("z_score",), head_of(asked)), list(train))


def trainer(seed: int = 1, count: int = 5, **more: Any) -> Trainer:
    """A small network on a few volumes."""
    asked = source(**more)
    volumes = ShownVolumes(rows(count + 2))
    recipe = opened(asked, volumes)
    return Trainer(recipe, Data(part(volumes, 0, count), part(volumes, count, 2), "segmentation", 3), asked.fit, seed)


def part(volumes: ShownVolumes, start: int, count: int) -> Part:
    """Some of them, as the trainer takes them."""
    numbers: NDArray[np.int64] = np.arange(start, start + count)
    return Part(volumes, numbers, np.zeros((count, 1)))
