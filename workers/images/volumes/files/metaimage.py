"""MetaImage with its voxels inside (.mha; https://itk.org/Wiki/ITK/MetaIO/Documentation), as ITK reads it: LPS+."""

import re
import zlib
from collections.abc import Mapping

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.volumes.files.contract import FileHeader, NeedsMoreError, checked_affine, from_lps, three_axes
from workers.images.volumes.files.values import array_of, checked_kind, scaled
from workers.reading.gzip import ZLIB, InflationError, inflate_member

_MOST_HEADER = 1 << 20
_LINE = re.compile(rb"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([^\r\n]*)\r?\n")
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
Fields = Mapping[str, str]


def header(start: bytes) -> FileHeader:
    """From the beginning of the file. Raises NeedsMoreError or RecordError."""
    return _described(_parsed(start)[0])


def voxels(data: bytes | memoryview, max_inflated: int) -> tuple[FileHeader, Array]:
    """The whole file. Raises RecordError."""
    try:
        fields, end = _parsed(bytes(data[:_MOST_HEADER]))
    except NeedsMoreError:
        raise RecordError(Status.UNREADABLE, "it ends in its header") from None
    found = _described(fields)
    body: bytes | memoryview = memoryview(data)[end:]
    if _is_true(fields, "CompressedData"):
        if found.stored_bytes > max_inflated:
            raise RecordError(Status.TOO_LARGE, f"it inflates to more than {max_inflated} bytes")
        body = _inflated(body, found.stored_bytes)
    elif fields.get("HeaderSize") == "-1":
        body = body[max(0, len(body) - found.stored_bytes) :]
    return found, scaled(array_of(body, found.kind, found.shape), 1.0, 0.0)


def _inflated(body: bytes | memoryview, limit: int) -> bytes:
    try:
        return inflate_member(body, limit, ZLIB if body[:1] == b"\x78" else 16 + zlib.MAX_WBITS)[0]
    except InflationError as error:
        raise RecordError(
            Status.UNREADABLE, f"its compressed voxels are not those of its header ({error.fault.name})"
        ) from None


def _parsed(start: bytes) -> tuple[Fields, int]:
    """The fields, and where the voxels begin: behind ElementDataFile, which stands last."""
    fields: dict[str, str] = {}
    at = 0
    while (line := _LINE.match(start, at)) is not None:
        at = line.end()
        name = line[1].decode()
        fields[name] = line[2].decode(errors="replace").strip()
        if name == "ElementDataFile":
            if fields[name] != "LOCAL":
                raise RecordError(
                    Status.UNSUPPORTED, "a MetaImage whose voxels lie in another file: convert both to one .mha"
                )
            return fields, at
    if len(start) < _MOST_HEADER and (at == len(start) or b"\n" not in start[at:]):
        raise NeedsMoreError
    raise RecordError(Status.UNREADABLE, "its MetaImage header cannot be read")


def _described(fields: Fields) -> FileHeader:
    with as_record_error("its MetaImage header cannot be read"):
        axes = int(fields["NDims"])
        shape = three_axes(tuple(int(size) for size in fields["DimSize"].split())[:axes])
        if int(fields.get("ElementNumberOfChannels", "1")) != 1:
            raise RecordError(Status.UNSUPPORTED, "its voxels have several channels: no model takes them")
        if fields["ElementType"] not in _TYPES:
            raise RecordError(Status.UNSUPPORTED, "its ElementType is no number of one channel")
        big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
        kind = np.dtype((">" if big else "<") + _TYPES[fields["ElementType"]])
        spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), np.ones(axes))
        matrix = _numbers(fields, ("TransformMatrix", "Orientation", "Rotation"), np.eye(axes).ravel())
        origin = _numbers(fields, ("Offset", "Position", "Origin"), np.zeros(axes))
        # A row of the matrix is the direction of an axis.
        affine = from_lps(matrix.reshape(axes, axes)[:3, :3].T * np.abs(spacing[:3]), origin[:3])
        if not _is_true(fields, "BinaryData", "True"):
            raise RecordError(Status.UNSUPPORTED, "its voxels are written as text: convert it")
    return FileHeader(shape, checked_affine(affine), checked_kind(kind))


def _is_true(fields: Fields, name: str, otherwise: str = "False") -> bool:
    return fields.get(name, otherwise).lower() in ("true", "1", "t")


def _numbers(fields: Fields, names: tuple[str, ...], otherwise: Array) -> Array:
    for name in names:
        if name in fields:
            return np.array([float(number) for number in fields[name].split()])
    return otherwise
