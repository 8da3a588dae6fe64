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
_OVERLAP = (
    "its mask has a volume for each structure, since those of this model may overlap, and only label maps are held "
    "against each other: take the masks out with wardround export masks and compare them by another program"
)


def read_label_map(body: bytes | memoryview, source: ImagesInput, what: str = "its label map") -> tuple[Array, Grid]:
    """Values (i, j, k) int32, and where they lie; `what` names the file in errors.

    Raises RecordError (unreadable, too_large, out_of_contract).
    """
    try:
        header, voxels = read_volume(body, source)
    except RecordError as error:
        status = Status.UNREADABLE if error.status == Status.INPUT_CHANGED else Status(error.status)
        detail = "is no volume" if error.status == Status.INPUT_CHANGED else error.detail
        raise RecordError(status, f"{what}: {detail}") from None
    return whole_numbers(voxels, what), Grid(header.shape, header.affine)


def whole_numbers(values: Array, what: str = "its label map") -> Array:
    """As int32. Raises RecordError (out_of_contract) for values that are no labels."""
    if not np.isfinite(values).all() or not np.array_equal(values, np.rint(values)) or values.min(initial=0) < 0:
        raise RecordError(Status.OUT_OF_CONTRACT, f"{what} has values that are no whole numbers from 0 on")
    if values.max(initial=0) > _LARGEST:
        raise RecordError(Status.OUT_OF_CONTRACT, f"{what} has values above {_LARGEST}")
    return values.astype(np.int32)


def pair(masks: bytes, reference: bytes) -> tuple[Array, Array, tuple[float, float, float]]:
    """The values of two label maps with the axes of the first, and its spacing in millimetres: along k that between
    planes, so that the three multiply to the volume of a voxel of a tilted series too.

    Raises RecordError where one cannot be read, or they are not of the same voxels.
    """
    source = ImagesInput(collection="images", uri="", record="series", max_inflated=4 * GIB)
    try:
        found, grid = read_label_map(masks, source, "its mask")
    except RecordError as error:
        if error.status != Status.NOT_A_VOLUME:
            raise
        raise RecordError(Status.UNSUPPORTED, _OVERLAP) from None
    truth, there = read_label_map(reference, source)
    i, j, _ = grid.spacing
    return found, turned(truth, there, grid, "its label map"), (i, j, grid.voxel_ml * 1000 / (i * j))
