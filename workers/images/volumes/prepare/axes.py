"""Which way the axes of a grid run in the patient."""

import numpy as np
from numpy.typing import NDArray

from workers.images.volumes.volume import Affine4

LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
"""Towards lower and towards higher millimetres along x, y, z (RAS+)."""


def directions(affine: Affine4) -> list[tuple[int, int]]:
    """For each axis of the grid the axis of space that it is closest to, and 1 or -1 as it runs along or against it.

    Axes of space are given away to the one that is surest of its own, then to the next, after
    `nibabel.orientations.io_orientation`: each once, for sheared grids too.
    """
    linear = affine[:3, :3]
    turned = _closest_rotation(linear / np.linalg.norm(linear, axis=0))
    found = [(0, 0)] * 3
    for axis in np.argsort(np.min(-(turned**2), axis=0), kind="stable"):
        column = turned[:, axis]
        space = int(np.argmax(np.abs(column)))
        found[int(axis)] = (space, -1 if column[space] < 0 else 1)
        turned[space, :] = 0
    return found


def codes(affine: Affine4) -> str:
    """To where i, j and k go, such as RAS."""
    return "".join(LETTERS[space][(sign + 1) // 2] for space, sign in directions(affine))


def of_codes(text: str) -> list[tuple[int, int]]:
    """Axis of space and sign of each letter of codes such as LPS; ValueError where they are no three axes."""
    known = {
        letter: (space, sign) for space, pair in enumerate(LETTERS) for letter, sign in zip(pair, (-1, 1), strict=True)
    }
    if len(text) != 3 or any(letter not in known for letter in text):
        raise ValueError("must be three letters of L or R, P or A, I or S, such as RAS")
    found = [known[letter] for letter in text]
    if len({space for space, _ in found}) < 3:
        raise ValueError("must have one letter of each of L or R, P or A, I or S")
    return found


def _closest_rotation(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix of the polar decomposition that is left without shear."""
    left, _, right = np.linalg.svd(unit)
    return np.asarray(left @ right, np.float64)
