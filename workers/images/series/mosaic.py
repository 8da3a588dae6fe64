"""Siemens mosaics: all slices of a volume as tiles of one frame, placed by what the vendor's header says.

Source: nibabel's documentation of Siemens mosaics and CSA headers (nipy.org/nibabel/dicom/siemens_csa.html).
"""

import math
import re
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

Floats = NDArray[np.float64]

MOSAIC_TAGS = (*private_tags(0x0019, 0x0A), *private_tags(0x0029, 0x10), *private_tags(0x0029, 0x20))
_MOST_TAGS = 1024
_ASCCONV = re.compile(rb"### ASCCONV BEGIN.*?### ASCCONV END", re.DOTALL)
_SETTING = re.compile(rb"^(sSliceArray\.\S+)\s*=\s*(\S+)\s*$", re.MULTILINE)


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
    mosaic = _mosaic(dataset, np.asarray(frame.orientation, float))
    across = math.ceil(math.sqrt(mosaic.slices))
    if frame.rows % across or frame.columns % across:
        raise RecordError(Status.UNSUPPORTED, f"its mosaic cannot be cut into {across} by {across} slices")
    rows, columns = frame.rows // across, frame.columns // across
    row, column = np.asarray(frame.orientation, float)
    between_rows, between_columns = frame.pixel_spacing
    first = (
        np.asarray(frame.position)
        + row * between_columns * (frame.columns - columns) / 2
        + column * between_rows * (frame.rows - rows) / 2
    )
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


def _mosaic(dataset: Dataset, orientation: Floats) -> Mosaic:
    image, protocol = _csa(dataset), _protocol(dataset)
    slices = _first(_private_number(dataset), image.get("NumberOfImagesInMosaic"), protocol.get("lSize"))
    if slices is None or not 1 <= slices <= 10_000:
        raise RecordError(Status.UNSUPPORTED, "a mosaic whose header does not say of how many slices")
    plane = np.cross(orientation[0], orientation[1])
    normal = _normal(image, protocol)
    between = number(dataset, "SpacingBetweenSlices") or _between(protocol, plane)
    if normal is None or not between:
        raise RecordError(Status.UNSUPPORTED, "a mosaic whose header does not say how its slices follow each other")
    # The vendor's normal gives the sign only: the standard's directions have the digits.
    return Mosaic(int(slices), plane * math.copysign(between, float(normal @ plane)))


def _first(*found: float | tuple[float, ...] | None) -> float | None:
    for one in found:
        if one is not None:
            return one[0] if isinstance(one, tuple) else one
    return None


def _private_number(dataset: Dataset) -> float | None:
    found = private(dataset, 0x0019, 0x0A, "SIEMENS MR HEADER")
    if isinstance(found, bytes):
        return float(struct.unpack("<H", found)[0]) if len(found) == 2 else None
    return float(found) if isinstance(found, int) else None


def _normal(image: dict[str, tuple[float, ...]], protocol: dict[str, float]) -> Floats | None:
    found = image.get("SliceNormalVector")
    if found is not None and len(found) == 3:
        return np.asarray(found)
    along = _step(protocol)
    return along if np.any(along) else None


def _between(protocol: dict[str, float], plane: Floats) -> float | None:
    return abs(float(_step(protocol) @ plane)) or None


def _step(protocol: dict[str, float]) -> Floats:
    """From the first slice to the second, as the protocol placed them; a part that is 0 is left out there."""
    first, second = (
        np.array([protocol.get(f"asSlice[{index}].sPosition.d{axis}", 0.0) for axis in ("Sag", "Cor", "Tra")])
        for index in (0, 1)
    )
    return np.asarray(second - first)


def _protocol(dataset: Dataset) -> dict[str, float]:
    """Numbers of the slice array in the protocol that the series header quotes."""
    body = _siemens(dataset, 0x20)
    block = _ASCCONV.search(body)
    found: dict[str, float] = {}
    for name, number_ in _SETTING.findall(block.group()) if block else ():
        try:
            found[name.decode("latin-1").removeprefix("sSliceArray.")] = float(number_)
        except ValueError:
            continue
    return found


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
