"""DICOM files made for a test, and the ones that pydicom ships."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from workers.images.settings import ImagesInput

PYDICOM_DATA = Path(pydicom.__file__).parent / "data"
EXPLICIT = str(ExplicitVRLittleEndian)
HTJ2K = "1.2.840.10008.1.2.4.201"


def settings(**changes: Any) -> ImagesInput:
    """The settings of a spec that says nothing but where the images are."""
    return ImagesInput.model_validate({"collection": "images", "uri": "s3://archive/", **changes})


def shipped(name: str) -> bytes:
    """The bytes of one of pydicom's test files."""
    return (PYDICOM_DATA / "test_files" / name).read_bytes()


def dataset(pixels: NDArray[Any], syntax: str = EXPLICIT, bits_stored: int | None = None, **attributes: Any) -> Dataset:
    """A grey or RGB image, (rows, columns[, 3]) or, with `NumberOfFrames`, a stack of them. Pixels are native."""
    shape = pixels.shape[1:] if int(attributes.get("NumberOfFrames", 1)) > 1 else pixels.shape
    bits = pixels.dtype.itemsize * 8
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, UID("1.2.826.0.1.3680043.8.498.1")
    made.PatientID = "patient-1"
    made.Rows, made.Columns = shape[:2]
    made.SamplesPerPixel = shape[2] if len(shape) == 3 else 1
    made.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    if len(shape) == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated, made.BitsStored = bits, bits_stored or bits
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    made["PixelData"].VR = "OW" if bits > 8 else "OB"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def wrapped(frames: Sequence[bytes], like: NDArray[Any], syntax: str, **attributes: Any) -> bytes:
    """A file whose pixels are these compressed frames, described as `like` is. Any UID of up to 23 characters."""
    made = dataset(like, HTJ2K, **attributes)
    made.PixelData = encapsulate(list(frames))
    made["PixelData"].VR = "OB"
    return stored(made).replace(HTJ2K.encode() + b"\0", syntax.encode().ljust(len(HTJ2K) + 1, b"\0"), 1)


def stored(made: Dataset) -> bytes:
    """The bytes of a file."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def raw(made: Dataset, **patches: bytes) -> bytes:
    """The bytes of a file in which the values of some elements, named by keyword, were overwritten with others."""
    body = stored(made)
    for keyword, value in patches.items():
        element = made[keyword]
        head = element.tag.group.to_bytes(2, "little") + element.tag.element.to_bytes(2, "little") + element.VR.encode()
        at = body.index(head) + 8
        body = body[:at] + value + body[at + len(value) :]
    return body


def ramp(rows: int = 12, columns: int = 16, dtype: str = "uint16", top: int = 4095) -> NDArray[Any]:
    """A picture with every part of its range in it."""
    return np.linspace(0, top, rows * columns).reshape(rows, columns).astype(dtype)
