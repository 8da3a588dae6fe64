"""The header as it holds for each frame: functional groups of enhanced objects (PS3.3 C.7.6.16), frames of a dose."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.tag import BaseTag

from workers.images.decoding.dicom_file import raw_elements
from workers.images.series.attributes import numbers, value

# What is at a place, or counts places, tells no two volumes apart: ImagePositionPatient, InStackPositionNumber,
# PlanePositionSequence, SliceLocation, ImagePositionVolume, and the positions of a whole-slide image.
_OF_PLACE = {0x00200032, 0x00209057, 0x00209113, 0x00201041, 0x00209301, 0x0040072A, 0x0040073A, 0x0040074A}
_DEEPER = ("DiffusionGradientDirectionSequence",)


def frames_of(dataset: Dataset, frames: int) -> Iterator[Dataset]:
    """One dataset a frame: what its functional groups, then the shared ones, then the top level say, in flat order."""
    shared = _flat(_item(dataset, "SharedFunctionalGroupsSequence", 0))
    dimensions = _dimensions(dataset)
    top = {element.tag: element for element in raw_elements(dataset)}
    for index in range(frames):
        own = _flat(_item(dataset, "PerFrameFunctionalGroupsSequence", index))
        frame = _dataset({**top, **shared, **own}, dataset)
        if frames > 1:
            _place_of_offsets(frame, dataset, index)
        _name_dimensions(frame, dimensions)
        yield frame


def _flat(group: Dataset | None) -> dict[BaseTag, Any]:
    """The elements of all macros of a group. Sequences of a vendor are none: Philips has positions of its own there,
    half a pixel away."""
    found: dict[BaseTag, Any] = {}
    for element in group or ():
        if element.VR != "SQ" or not element.value or element.tag.is_private:
            continue
        item = element.value[0]
        found |= {inner.tag: inner for inner in item if inner.VR != "SQ"}
        for keyword in _DEEPER:
            found |= {inner.tag: inner for deeper in item.get(keyword) or () for inner in deeper}
    return found


def _dataset(elements: dict[BaseTag, Any], like: Dataset) -> Dataset:
    frame = Dataset(elements)
    # Elements are converted when they are first asked for, by the byte order and character set of their dataset.
    implicit, little = like.original_encoding
    frame.set_original_encoding(implicit, little, like.original_character_set)
    frame.file_meta = like.file_meta
    return frame


def _item(dataset: Dataset, keyword: str, index: int) -> Dataset | None:
    sequence = dataset.get(keyword)
    return sequence[index] if sequence and index < len(sequence) else None


def _dimensions(dataset: Dataset) -> list[bool]:
    """Whether each dimension that frames are numbered by tells volumes apart."""
    return [
        int(item.get("DimensionIndexPointer") or 0) not in _OF_PLACE
        for item in dataset.get("DimensionIndexSequence") or ()
    ]


def _name_dimensions(frame: Dataset, dimensions: list[bool]) -> None:
    """Leave of the frame's numbers only those that tell volumes apart."""
    indices = value(frame, "DimensionIndexValues")
    several = indices if isinstance(indices, tuple) else (indices,)
    if indices is not None and len(several) == len(dimensions):
        frame.DimensionIndexValues = [one for one, tells in zip(several, dimensions, strict=True) if tells]
    elif indices is not None:
        del frame.DimensionIndexValues


def _place_of_offsets(frame: Dataset, dataset: Dataset, index: int) -> None:
    """Where the frame of a dose lies (PS3.3 C.8.8.3.2): offsets are along the normal, from the first frame.

    A frame that nothing gives a place of its own has none.
    """
    if _item(dataset, "PerFrameFunctionalGroupsSequence", index) is not None:
        return
    offsets, origin = value(dataset, "GridFrameOffsetVector"), numbers(dataset, "ImagePositionPatient", 3)
    directions = numbers(dataset, "ImageOrientationPatient", 6)
    if origin is None or directions is None or not isinstance(offsets, tuple) or index >= len(offsets):
        frame.ImagePositionPatient = None
        return
    normal = np.cross(directions[:3], directions[3:])
    along = float(offsets[index]) - (float(offsets[0]) if offsets[0] == origin[2] else 0.0)
    frame.ImagePositionPatient = [float(one) for one in np.asarray(origin) + along * normal]
