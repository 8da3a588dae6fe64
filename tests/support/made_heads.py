"""Heads that nobody has: a bent brain of MNI152 in a made skull, scalp and neck, in contrasts drawn at random.

MNI152 comes without its skull in the package nilearn, and only a real head tells whether a network that learned from
made ones finds a brain. Drawn labels and contrasts instead of scans: Billot et al., "SynthSeg" (2023); Hoopes et al.,
"SynthStrip" (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tests.support.made_tissue import painted, skin_of
from tests.support.smooth_noise import smooth

STEP = 2.0
"""Millimetres between voxels."""
SHAPE = (104, 124, 104)
"""Voxels to the right, to the front and up."""
_CORD = 20
"""Voxels that the lowest slice of the maps is repeated downwards: they end in the medulla, and heads do not."""


@dataclass(frozen=True)
class Template:
    """Shares of tissue (i, j, k) float32 on a grid of `STEP`, i to the right, j to the front, k up; `brain` is what a
    network shall find; `low` (3,): millimetres of the first voxel in MNI's coordinates."""

    grey: np.ndarray
    white: np.ndarray
    brain: np.ndarray
    low: np.ndarray


@dataclass(frozen=True)
class Head:
    """`voxels` int16 and `brain` uint8, both of `SHAPE`."""

    voxels: np.ndarray
    brain: np.ndarray


def template_of(grey: np.ndarray, white: np.ndarray, affine: np.ndarray) -> Template:
    """From maps of 1 mm whose axes are those of the patient."""
    inside = enclosed(grey + white)
    low = affine[:3, 3] + 0.5
    parts = [np.pad(_halved(one), [(0, 0), (0, 0), (_CORD, 0)], mode="edge") for one in (grey, white, inside)]
    return Template(*parts, low - np.array([0, 0, _CORD * STEP]))


def enclosed(matter: np.ndarray) -> np.ndarray:
    """Where grey and white matter are at least half of a voxel of 1 mm, with the fluid that they enclose and that of
    furrows less than 6 mm wide: float32 0 and 1."""
    closed = ndimage.binary_closing(np.pad(matter >= 0.5, 4), iterations=3)[4:-4, 4:-4, 4:-4]
    return ndimage.binary_fill_holes(closed).astype(np.float32)


def made_head(template: Template, seed: int) -> Head:
    """One head; the same of the same seed."""
    chance = np.random.default_rng(seed)
    at = _places(template, chance)
    inside = ((at - template.low.reshape(3, 1, 1, 1)) / STEP).astype(np.float32)
    grey, white, brain = (
        ndimage.map_coordinates(one, inside, order=1, mode="constant")
        for one in (template.grey, template.white, template.brain)
    )
    is_brain = brain >= 0.5
    voxels = painted(grey * is_brain, white * is_brain, skin_of(is_brain, at, STEP, chance), chance)
    return Head(voxels, is_brain.astype(np.uint8))


def _places(template: Template, chance: np.random.Generator) -> np.ndarray:
    """(3, i, j, k): where each voxel of the head comes from, in MNI's millimetres: turned, stretched, sheared, bent."""
    steps = [(np.arange(side) - (side - 1) / 2) * STEP for side in SHAPE]
    at = np.stack(np.meshgrid(*steps, indexing="ij")).astype(np.float32)
    matrix = turn(chance.uniform(-15, 15, 3)) @ np.diag(1 / chance.uniform(0.88, 1.14, 3))
    matrix += np.triu(chance.normal(0, 0.03, (3, 3)), 1)
    # The last slice lies between 12 mm below the end of the maps and 14 mm above it.
    lowest = template.low[2] + _CORD * STEP + chance.uniform(-12, 14)
    x, y = chance.normal((0, -18), 4)
    middle = np.array([x, y, lowest + SHAPE[2] * STEP / 2])
    found = np.einsum("ab,bijk->aijk", matrix.astype(np.float32), at) + middle.reshape(3, 1, 1, 1)
    for grid_mm, most_mm in ((70, 6), (30, 3)):
        strength = chance.uniform(0, most_mm)
        found += np.stack([smooth(SHAPE, grid_mm / STEP, chance) * strength for _ in range(3)])
    return found.astype(np.float32)


def turn(degrees: Sequence[float] | np.ndarray) -> np.ndarray:
    """(3, 3): about the first axis, then the second, then the third."""
    found = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        found = turn @ found
    return found


def _halved(values: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 x 2 voxels."""
    even = values[tuple(slice(side // 2 * 2) for side in values.shape)]
    i, j, k = (side // 2 for side in even.shape)
    return even.reshape(i, 2, j, 2, k, 2).mean((1, 3, 5)).astype(np.float32)
