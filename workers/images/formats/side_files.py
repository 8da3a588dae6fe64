"""An array that a network gives for an image, as the bytes of a file beside the rows."""

import io
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from schemas.errors import RecordError, SpecError
from schemas.outputs import OutputField
from schemas.status import Status
from workers.contract import Array


def as_npy(array: Array) -> bytes:
    """NumPy's own format, version 1.0, in C order."""
    sink = io.BytesIO()
    np.lib.format.write_array(sink, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return sink.getvalue()


def as_png(array: Array) -> bytes:
    """Grey of 8 or 16 bits; dimensions of one element are dropped. Raises SpecError for any other array."""
    grey = array.squeeze()
    if grey.ndim != 2 or grey.dtype not in (np.uint8, np.uint16):
        raise SpecError(
            f"an array of {array.dtype} and shape {array.shape} is no grey image of uint8 or uint16, which a png is "
            "made of: declare the output as object<npy>"
        )
    return bytes(cv2.imencode(".png", grey)[1])


ENCODERS: Mapping[str, Callable[[Array], bytes]] = {"npy": as_npy, "png": as_png}
"""What encodes a file, by the suffix of `object<...>`."""


def encode(field: OutputField, arrays: Array) -> list[bytes]:
    """One file an image: `arrays` has the images first.

    Raises SpecError for a suffix that is unknown, RecordError for a NaN where the output promises none.
    """
    suffix = field.object_suffix or ""
    if suffix not in ENCODERS or field.type.startswith("list<"):
        known = ", ".join(f"object<{name}>" for name in ENCODERS)
        raise SpecError(f"output {field.name!r}: arrays cannot be given as {field.type}; known: {known}")
    if not field.may_be_nan and arrays.dtype.kind == "f" and np.isnan(arrays).any():
        raise RecordError(Status.INVALID_OUTPUT, f"output {field.name} is not a number")
    return [ENCODERS[suffix](array) for array in arrays]
