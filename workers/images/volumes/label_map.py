"""Label maps in files, for whoever compares them: `LABEL_MAPS` reads for the core of evaluations."""

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.settings import GIB, ImagesInput
from workers.images.volumes.files.opened import read_volume
from workers.images.volumes.turned import turned
from workers.images.volumes.volume import Grid

_LARGEST = 2**31 - 1


def read_label_map(body: bytes | memoryview, source: ImagesInput) -> tuple[Array, Grid]:
    """Values (i, j, k) int32, and where they lie. Raises RecordError (unreadable, too_large, out_of_contract)."""
    try:
        header, voxels = read_volume(body, source)
    except RecordError as error:
        status = Status.UNREADABLE if error.status == Status.INPUT_CHANGED else Status(error.status)
        detail = "is no volume" if error.status == Status.INPUT_CHANGED else error.detail
        raise RecordError(status, f"its label map: {detail}") from None
    return whole_numbers(voxels), Grid(header.shape, header.affine)


def whole_numbers(values: Array) -> Array:
    """As int32. Raises RecordError (out_of_contract) for values that are no labels."""
    if not np.isfinite(values).all() or not np.array_equal(values, np.rint(values)) or values.min(initial=0) < 0:
        raise RecordError(Status.OUT_OF_CONTRACT, "its label map has values that are no whole numbers from 0 on")
    if values.max(initial=0) > _LARGEST:
        raise RecordError(Status.OUT_OF_CONTRACT, f"its label map has values above {_LARGEST}")
    return values.astype(np.int32)


def pair(masks: bytes, reference: bytes) -> tuple[Array, Array, tuple[float, float, float]]:
    """The values of two label maps with the axes of the first, and its spacing in millimetres.

    Raises RecordError where one cannot be read, or they are not of the same voxels.
    """
    source = ImagesInput(collection="images", uri="", record="series", max_inflated=4 * GIB)
    found, grid = read_label_map(masks, source)
    truth, there = read_label_map(reference, source)
    return found, turned(truth, there, grid, "its label map"), grid.spacing
