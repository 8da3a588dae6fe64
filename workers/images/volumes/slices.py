"""Decode slices, or a whole file of three axes, where it runs: in a decoding child, or in a thread of the worker."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.children.contract import Handler, Item
from workers.contract import Array
from workers.images.decoding.decode import open_object
from workers.images.settings import VOLUME_FORMATS, ImagesInput
from workers.images.volumes.files.opened import read_volume
from workers.threads import cap_decoders


def build(settings: Mapping[str, Any]) -> Handler:
    """`settings`: `input`, the collection's settings; what `carry` names comes back as `meta["header"]`.

    The handler's context has `format`, and of DICOM `frames` and `corners`: which frames are wanted, and where in each
    of them the slice begins with how many rows and columns (null: all of it). Arrays are slices, (rows, columns) or
    (rows, columns, channels), or one volume (i, j, k), of the narrowest type without loss, or float32.
    """
    cap_decoders(1)
    source = ImagesInput.model_validate(settings["input"])

    def handle(data: memoryview, context: Mapping[str, Any]) -> Item:
        if context["format"] in VOLUME_FORMATS:
            header, voxels = read_volume(data, source)
            said = {"shape": list(header.shape), "affine": header.affine.ravel().tolist(), "space": [*header.space]}
            return Item([voxels], said)
        return _slices(data, context, source)

    return handle


def _slices(data: memoryview, context: Mapping[str, Any], source: ImagesInput) -> Item:
    decode, arrays, header = open_object(data, source), [], {}
    for frame, corner in zip(context["frames"], context["corners"], strict=True):
        decoded = decode(frame)
        if decoded.error is not None:
            raise decoded.error
        header = dict(decoded.header)
        arrays.append(_part(decoded.frames[0].pixels, corner))
    return Item(arrays, {"header": header})


def _part(pixels: Array, corner: list[int] | None) -> Array:
    if pixels.dtype == np.float64:
        with np.errstate(over="ignore"):
            pixels = pixels.astype(np.float32)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise RecordError(Status.OUT_OF_CONTRACT, "it has voxels that are not finite")
    if corner is None:
        return pixels
    row, column, rows, columns = corner
    return np.ascontiguousarray(pixels[row : row + rows, column : column + columns])
