"""The objects of `bench-dicom`: grey pictures of four kinds of image in five transfer syntaxes, always the same.

Of every hundred objects, twenty are in each syntax: ten CT, five MR, three XA and two CR. They come in random order, in
one folder. Each kind has eight pictures, which come again and again, in objects of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from tests.support.dicom_files import dataset, stored

HUNDRED = 100
"""The mix is whole in every so many objects."""
SYNTAXES: Mapping[str, UID] = {
    "jpeg_lossless": JPEGLosslessSV1,
    "jpeg_ls": JPEGLSLossless,
    "jpeg_2000": JPEG2000Lossless,
    "rle": RLELossless,
    "native": ExplicitVRLittleEndian,
}
_ROOT = "1.2.826.0.1.3680043.8.498.78"
_PICTURES = 8
_BLURS = (3.0, 6.0, 12.0, 24.0)
_NOISE = 5 / 4096


@dataclass(frozen=True)
class Kind:
    """A kind of image: its size, bits stored, modality intercept, and how many of twenty objects are of it."""

    name: str
    rows: int
    columns: int
    bits: int
    of_twenty: int
    intercept: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of a picture as it is stored natively."""
        return 2 * self.rows * self.columns


KINDS = (
    Kind("CT", 512, 512, 12, 10, intercept=-1024),
    Kind("MR", 512, 512, 16, 5),
    Kind("XA", 1024, 1024, 12, 3),
    Kind("CR", 2500, 2048, 14, 2),
)


@dataclass(frozen=True)
class Planned:
    """One object: its number, kind, syntax, and which of the kind's pictures it holds."""

    number: int
    kind: Kind
    syntax: str
    picture: int

    @property
    def name(self) -> str:
        """The name of its file, without `.dcm`."""
        return f"o{self.number:05d}"

    @property
    def frame(self) -> tuple[Kind, str, int]:
        """What its pixel data is, which other objects hold too."""
        return self.kind, self.syntax, self.picture


def planned(objects: int) -> list[Planned]:
    """All objects, whole hundreds of them, in the order of their numbers."""
    mix = [(kind, syntax, rank) for syntax in SYNTAXES for kind in KINDS for rank in range(kind.of_twenty)]
    every = [
        (kind, syntax, (block * kind.of_twenty + rank) % _PICTURES)
        for block in range(objects // HUNDRED)
        for kind, syntax, rank in mix
    ]
    order = np.random.default_rng(0).permutation(len(every))
    return [Planned(number, *every[place]) for number, place in enumerate(order.tolist())]


def archive(folder: Path, objects: int) -> Path:
    """The folder of all objects, made once and kept in `folder`."""
    made = folder / f"objects-{objects}"
    if made.is_dir():
        return made
    unfinished = folder / f"{made.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for one in planned(objects):
        (unfinished / f"{one.name}.dcm").write_bytes(object_of(one))
    unfinished.rename(made)
    return made


def frames_of(folder: Path, objects: int) -> dict[tuple[Kind, str, int], bytes]:
    """The pixel data of each distinct frame: a codestream, or native pixels."""
    found: dict[tuple[Kind, str, int], bytes] = {}
    for one in planned(objects):
        if one.frame not in found:
            pixels = dcmread(folder / f"{one.name}.dcm").PixelData
            found[one.frame] = pixels if one.syntax == "native" else get_frame(pixels, 0, number_of_frames=1)
    return found


@cache
def picture(kind: Kind, number: int) -> Any:
    """(rows, columns) uint16: a blurred texture over most of the range, with a little noise."""
    random = np.random.default_rng((kind.rows, kind.bits, number))
    coarse = random.standard_normal((kind.rows, kind.columns), np.float32)
    smooth = cv2.GaussianBlur(coarse, (0, 0), _BLURS[number % len(_BLURS)])
    low, high = float(smooth.min()), float(smooth.max())
    shares = 0.05 + 0.85 * (smooth - low) / (high - low) + _NOISE * random.standard_normal(smooth.shape, np.float32)
    top = 2**kind.bits - 1
    return np.clip(np.rint(shares * top), 0, top).astype(np.uint16)


@cache
def frame_of(kind: Kind, syntax: str, number: int) -> bytes:
    """A picture as a codestream of this syntax, or as native pixels."""
    return _ENCODERS[syntax](picture(kind, number), kind)


def _by_pydicom(uid: UID) -> Callable[[Any, Kind], bytes]:
    def encode(pixels: Any, kind: Kind) -> bytes:
        made = dataset(pixels, bits_stored=kind.bits)
        made.compress(uid, generate_instance_uid=False)
        return get_frame(made.PixelData, 0, number_of_frames=1)

    return encode


def _jpeg_lossless(pixels: Any, kind: Kind) -> bytes:
    """Process 14, selection value 1, in the precision of the kind."""
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=kind.bits))


_ENCODERS: Mapping[str, Callable[[Any, Kind], bytes]] = {
    "jpeg_lossless": _jpeg_lossless,
    "jpeg_ls": _by_pydicom(JPEGLSLossless),
    "jpeg_2000": _by_pydicom(JPEG2000Lossless),
    "rle": _by_pydicom(RLELossless),
    "native": lambda pixels, kind: pixels.tobytes(),
}


def object_of(one: Planned) -> bytes:
    """The bytes of a file."""
    uid = UID(f"{_ROOT}.{one.number + 1}")
    made = dataset(
        picture(one.kind, one.picture),
        SYNTAXES[one.syntax],
        bits_stored=one.kind.bits,
        SOPInstanceUID=uid,
        PatientID=f"p{one.number}",
        Modality=one.kind.name,
        **_rescale(one.kind),
    )
    made.file_meta.MediaStorageSOPInstanceUID = uid
    if one.syntax != "native":
        made.PixelData = encapsulate([frame_of(*one.frame)])
        made["PixelData"].VR = "OB"
    return stored(made)


def _rescale(kind: Kind) -> Mapping[str, int]:
    return {"RescaleSlope": 1, "RescaleIntercept": kind.intercept} if kind.intercept else {}


def distinct(objects: int) -> Iterator[Planned]:
    """An object of each kind in each syntax, all of one kind with the same picture."""
    seen: set[tuple[str, str]] = set()
    for one in sorted(planned(objects), key=lambda one: one.picture):
        if (one.kind.name, one.syntax) not in seen:
            seen.add((one.kind.name, one.syntax))
            yield one
