"""What lies around a made brain, and how bright it all is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tests.support.smooth_noise import smooth

AIR, FLUID, DURA, BONE, MARROW, FAT, MUSCLE, OTHER = range(8)
_BLOBS = (MUSCLE, MUSCLE, FAT, BONE, AIR, OTHER)
"""What face and neck are made of."""


def skin_of(brain: np.ndarray, at: np.ndarray, step: float, chance: np.random.Generator) -> np.ndarray:
    """(i, j, k): the tissue of each voxel as if there were no brain in it. `at` (3, i, j, k) are MNI's millimetres.

    From the hull of the brain outwards fluid, dura, bone with marrow, fat; below the level of the eyes a column of
    blobs within fat. Each is as thick as chance has it, and here thicker than there.
    """
    far = _outside(brain, step)

    def layer(low: float, high: float, varies: float) -> np.ndarray:
        return np.maximum(chance.uniform(low, high) + varies * smooth(brain.shape, 20, chance), 0)

    fluid = layer(0, 5, 1.2)
    dura = fluid + layer(0, 1.8, 0.5)
    bone = layer(4, 10, 1.5)
    skull, skin = dura + bone, layer(3, 10, 1.5)
    column = _column(at, chance)
    found = np.full(brain.shape, AIR)
    found[column | (far <= skull + skin)] = FAT
    found = np.where(column & (far > skull) & (_depth(column, step) > skin), _blobs(brain.shape, chance), found)
    found[far <= skull] = BONE
    found[(far <= dura + 0.7 * bone) & (far > dura + 0.35 * bone)] = MARROW
    found[far <= dura] = DURA
    found[far <= fluid] = FLUID
    return found


def painted(grey: np.ndarray, white: np.ndarray, skin: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """(i, j, k) int16, 0 to about 1000: shares of tissue and what lies around them as a scanner may show them, with
    noise, a coil that is nearer to one side, and voxels that blur into each other."""
    look = _look(chance)
    sharp = chance.uniform(1, 4)
    fluid = np.clip(1 - grey - white, 0, 1)
    shares = np.stack([grey, white, fluid]) ** sharp
    shares /= shares.sum(0)
    inside = shares[0] * look.grey + shares[1] * look.white + shares[2] * look.around[FLUID]
    is_matter = grey + white > 0
    around = look.around[skin] * (1 + 0.15 * smooth(skin.shape, chance.uniform(2, 8), chance))
    values = np.where(is_matter, inside * (1 + 0.04 * smooth(skin.shape, 8, chance)), around)
    values = ndimage.gaussian_filter(values, chance.uniform(0.3, 0.75))
    values *= np.exp(chance.uniform(0, 0.25) * smooth(skin.shape, 45, chance))
    strength = chance.uniform(0.005, 0.06)
    # Magnitude of two noisy signals (Rice): noise in air is never below 0.
    first, second = chance.standard_normal((2, *skin.shape), dtype=np.float32) * strength
    values = np.hypot(values + first, second)
    return np.round(values / np.quantile(values, 0.999) * 1000).clip(0, 4000).astype(np.int16)


@dataclass(frozen=True)
class _Look:
    grey: float
    white: float
    around: np.ndarray
    """By number of the tissue."""


def _look(chance: np.random.Generator) -> _Look:
    """Four in five times as T1 has it: fluid dark, grey below white, bone dark, fat bright; else as chance has it."""
    if chance.random() < 0.2:
        drawn = chance.uniform(0.05, 1, 9)
        drawn[AIR] = 0.02
        return _Look(drawn[8], chance.uniform(0.05, 1), drawn[:8])
    around = np.zeros(8)
    around[AIR], around[FLUID], around[DURA] = chance.uniform((0, 0.1, 0.2), (0.06, 0.45, 0.9))
    around[BONE], around[MARROW], around[FAT] = chance.uniform((0.03, 0.15, 0.6), (0.25, 0.9, 2.0))
    around[MUSCLE], around[OTHER] = chance.uniform((0.3, 0.2), (0.85, 1.2))
    return _Look(chance.uniform(0.55, 0.88), 1.0, around)


def _outside(brain: np.ndarray, step: float) -> np.ndarray:
    """Millimetres to the brain after furrows up to 24 mm wide were closed; 0 inside."""
    wide = np.pad(brain, 8)
    near = ndimage.distance_transform_edt(~wide) * step <= 12
    hull = wide | (ndimage.distance_transform_edt(near) * step > 12)
    return ndimage.distance_transform_edt(~hull)[8:-8, 8:-8, 8:-8] * step


def _column(at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Face and neck: an ellipse about the vertical axis, below a plane that rises to the front."""
    x, y, z = at
    wide, deep, level = chance.uniform((60, 85, -40), (85, 115, -15))
    middle = chance.uniform(-10, 10)
    below = z < level + 0.25 * (y - middle)
    return ((x / wide) ** 2 + ((y - middle) / deep) ** 2 < 1) & below


def _depth(inside: np.ndarray, step: float) -> np.ndarray:
    """Millimetres to what is not inside; beyond the last voxel it goes on."""
    return ndimage.distance_transform_edt(inside) * step


def _blobs(shape: tuple[int, ...], chance: np.random.Generator) -> np.ndarray:
    """Tissue by the highest of several fields of noise."""
    fields = np.stack([smooth(shape, chance.uniform(4, 14), chance) for _ in _BLOBS])
    return np.array(_BLOBS)[fields.argmax(0)]
