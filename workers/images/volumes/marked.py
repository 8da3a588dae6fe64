"""What a segmentation marks: one label a voxel, or one bit a structure where structures may overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.volume import Shape3

Mask = NDArray[np.bool_]


def label_type(card: VolumeCard) -> type[np.uint8] | type[np.uint16]:
    """The smallest type that holds every label."""
    return np.uint8 if max(one.label for one in card.structures) < 256 else np.uint16


def no_labels(card: VolumeCard, shape: Shape3) -> Array:
    """A map of labels, all 0. The first axis varies fastest in memory, as in files and in slices: writing another order
    takes many times as long as compressing it."""
    return np.zeros(shape, label_type(card), order="F")


def no_masks(card: VolumeCard, shape: Shape3) -> NDArray[np.uint8]:
    """Planes for `Masks` in which nothing is marked, each in the order of `no_labels`."""
    i, j, k = shape
    return np.zeros((-(-len(card.structures) // 8), k, j, i), np.uint8).transpose(0, 3, 2, 1)


@dataclass(frozen=True)
class Labels:
    """A voxel has one structure or none (softmax). `voxels` are (i, j, k), uint8 or uint16: the structure's `label`, 0
    for none."""

    voxels: Array
    card: VolumeCard

    def mask(self, number: int) -> Mask:
        """Where structure `card.structures[number]` is, (i, j, k)."""
        return np.asarray(self.voxels == self.card.structures[number].label)


@dataclass(frozen=True)
class Masks:
    """A voxel may have several structures (sigmoid). `planes` are (n, i, j, k) uint8: bit `number % 8`, counted from
    the lowest, of plane `number // 8` says whether it is in structure `card.structures[number]`."""

    planes: NDArray[np.uint8]
    card: VolumeCard

    def mask(self, number: int) -> Mask:
        """Where structure `card.structures[number]` is, (i, j, k)."""
        return np.asarray(self.planes[number // 8] & np.uint8(1 << number % 8) != 0)
