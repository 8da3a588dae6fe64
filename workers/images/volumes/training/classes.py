"""Label maps as what a network learns: the class of each voxel. Imports no torch."""

import numpy as np
from numpy.typing import NDArray

from workers.contract import Array
from workers.labels.settings import label_values
from workers.training.job.settings import Output

UNKNOWN = -1
"""The class of a voxel of which nothing is known."""

Classes = NDArray[np.int16]


def classes_of(label_map: Array, output: Output) -> Classes:
    """0 for background, 1 and up for the structures in their order, `UNKNOWN` where the value is one of `ignored`.

    `label_map`: whole numbers, of any shape and type.
    """
    found = np.zeros(label_map.shape, np.int16)
    for number, values in enumerate(output.structures.values(), start=1):
        found[np.isin(label_map, label_values(values))] = number
    if output.ignored:
        found[np.isin(label_map, output.ignored)] = UNKNOWN
    return found


def unnamed_values(label_map: Array, output: Output) -> list[int]:
    """Values above 0 that neither a structure nor `ignored` has: they are learned as background."""
    named = {0, *output.ignored, *(value for one in output.structures.values() for value in label_values(one))}
    return sorted({int(value) for value in np.unique(label_map)} - named)
