"""Grids of United Imaging: all slices of a volume as parts of one frame, each with a position of its own.

Source: dcm_qa_uih, and the notes of dcm2niix on it (github.com/rordenlab/dcm2niix/tree/master/UIH).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.series.attributes import numbers, private, private_tags, texts
from workers.images.series.facts import SliceFacts, Vector3

_CREATOR = "Image Private Header"
_GROUP, _SLICES = 0x0065, 0x51

GRID_TAGS = private_tags(_GROUP, _SLICES)


def is_grid(dataset: Dataset) -> bool:
    """Whether its frame is a grid of slices."""
    return "VFRAME" in texts(dataset, "ImageType") and "ImagePositionPatient" not in dataset


def parts_of(frame: SliceFacts, dataset: Dataset) -> list[SliceFacts]:
    """The slices of a grid, row by row, each as if it were an object of its own.

    Raises RecordError (unsupported) where the header does not say of each slice where it lies.
    """
    positions = _positions(dataset)
    if not positions:
        raise RecordError(Status.UNSUPPORTED, "a grid of slices whose header does not say where they lie")
    across = math.ceil(math.sqrt(len(positions)))
    down = math.ceil(len(positions) / across)
    if frame.rows % down or frame.columns % across:
        raise RecordError(Status.UNSUPPORTED, f"its grid cannot be cut into {down} by {across} slices")
    rows, columns = frame.rows // down, frame.columns // across
    return [
        replace(
            frame,
            rows=rows,
            columns=columns,
            position=position,
            corner=(index // across * rows, index % across * columns),
            decoded_bytes=frame.decoded_bytes // (across * down),
        )
        for index, position in enumerate(positions)
    ]


def _positions(dataset: Dataset) -> list[Vector3]:
    """Where the first pixel of each slice lies; none where one of them does not say it."""
    items = private(dataset, _GROUP, _SLICES, _CREATOR)
    found = [numbers(item, "ImagePositionPatient", 3) for item in items] if isinstance(items, Sequence) else []
    if any(position is None for position in found):
        return []
    return [(position[0], position[1], position[2]) for position in found if position is not None]
