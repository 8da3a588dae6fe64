"""Siemens mosaics: all slices of a volume as tiles of one frame, placed by what the vendor's header says.

Source: nibabel's documentation of Siemens mosaics and CSA headers (nipy.org/nibabel/dicom/siemens_csa.html).
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.series.attributes import number, private, private_tags, text, texts
from workers.images.series.facts import SliceFacts
from workers.images.series.slice_array import slice_array

Floats = NDArray[np.float64]

MOSAIC_TAGS = (*private_tags(0x0019, 0x0A), *private_tags(0x0029, 0x10), *private_tags(0x0029, 0x20))
_MOST_TAGS = 1024


@dataclass(frozen=True)
class Mosaic:
    """How many slices there are, and how the next one lies to each (LPS+, millimetres)."""

    slices: int
    step: Floats


def is_mosaic(dataset: Dataset) -> bool:
    """Whether its frame is a mosaic of slices."""
    return "MOSAIC" in texts(dataset, "ImageType")


def tiles_of(frame: SliceFacts, dataset: Dataset) -> list[SliceFacts]:
    """The slices of a mosaic, each as if it were an object of its own.

    ImagePositionPatient is where the first pixel of a frame of the mosaic's size, centred on the slice, would lie.
    Raises RecordError (unsupported) where the header does not say how many there are, or how they lie.
    """
    if frame.orientation is None or frame.position is None or frame.pixel_spacing is None:
        return [frame]
    row, column = np.asarray(frame.orientation, float)
    between_rows, between_columns = frame.pixel_spacing
    corner = np.asarray(frame.position)
    centre = corner + row * between_columns * frame.columns / 2 + column * between_rows * frame.rows / 2
    mosaic = _mosaic(dataset, np.cross(row, column), centre)
    across = math.ceil(math.sqrt(mosaic.slices))
    if frame.rows % across or frame.columns % across:
        raise RecordError(Status.UNSUPPORTED, f"its mosaic cannot be cut into {across} by {across} slices")
    rows, columns = frame.rows // across, frame.columns // across
    first = centre - row * between_columns * columns / 2 - column * between_rows * rows / 2
    return [
        replace(
            frame,
            rows=rows,
            columns=columns,
            position=_vector(first + index * mosaic.step),
            corner=(index // across * rows, index % across * columns),
            decoded_bytes=frame.decoded_bytes // across**2,
        )
        for index in range(mosaic.slices)
    ]


def _mosaic(dataset: Dataset, plane: Floats, centre: Floats) -> Mosaic:
    """`centre` is that of the frame, which is the centre of its first tile."""
    image, protocol = _csa(dataset), slice_array(_siemens(dataset, 0x20))
    slices = _private_number(dataset) or _first(image.get("NumberOfImagesInMosaic")) or protocol.count
    if slices is None or not 1 <= slices <= 10_000:
        raise RecordError(Status.UNSUPPORTED, "a mosaic whose header does not say of how many slices")
    known = protocol if protocol.count == slices else None
    between = number(dataset, "SpacingBetweenSlices") or (known.between(plane) if known else None)
    sense = _sense(image, plane) or (known.sense(plane, centre) if known else None)
    if not sense or not between:
        raise RecordError(Status.UNSUPPORTED, "a mosaic whose header does not say how its slices follow each other")
    return Mosaic(int(slices), plane * math.copysign(between, sense))


def _sense(image: dict[str, tuple[float, ...]], plane: Floats) -> float | None:
    """Whether tiles follow each other along the normal of the standard's directions, which have more digits than the
    vendor's own normal, or against it: its sign."""
    found = image.get("SliceNormalVector")
    return float(np.asarray(found) @ plane) if found is not None and len(found) == 3 else None


def _first(found: tuple[float, ...] | None) -> float | None:
    return found[0] if found else None


def _private_number(dataset: Dataset) -> float | None:
    found = private(dataset, 0x0019, 0x0A, "SIEMENS MR HEADER")
    if isinstance(found, bytes):
        return float(struct.unpack("<H", found)[0]) if len(found) == 2 else None
    return float(found) if isinstance(found, int) else None


def _csa(dataset: Dataset) -> dict[str, tuple[float, ...]]:
    """Numbers of the image header in the vendor's own format, the second version of it."""
    body = _siemens(dataset, 0x10)
    if body[:4] != b"SV10":
        return {}
    try:
        return {name: values for name, values in _csa_tags(body) if values}
    except (struct.error, ValueError):
        return {}


def _csa_tags(body: bytes) -> Iterator[tuple[str, tuple[float, ...]]]:
    (count,) = struct.unpack_from("<I", body, 8)
    at = 16
    for _ in range(min(count, _MOST_TAGS)):
        name, _, _, _, items, _ = struct.unpack_from("<64si4siii", body, at)
        at += 84
        texts_: list[bytes] = []
        for _ in range(items):
            _, length, _, _ = struct.unpack_from("<4i", body, at)
            at += 16
            texts_.append(body[at : at + length].split(b"\0")[0].strip())
            at += (length + 3) // 4 * 4
        word = name.split(b"\0")[0].decode("latin-1")
        if word in ("NumberOfImagesInMosaic", "SliceNormalVector"):
            yield word, tuple(float(one) for one in texts_ if one)


def _siemens(dataset: Dataset, element: int) -> bytes:
    """The vendor's header at (0029,xx10) or (0029,xx20); where the creator was taken out, at its usual place."""
    found = private(dataset, 0x0029, element, "SIEMENS CSA HEADER")
    usual = 0x00291000 | element
    if found is None and usual in dataset and "SIEMENS" in (text(dataset, "Manufacturer") or "").upper():
        found = dataset[usual].value
    return found if isinstance(found, bytes) else b""


def _vector(values: Floats) -> tuple[float, float, float]:
    x, y, z = (float(one) for one in values)
    return x, y, z
