"""NRRD with its voxels inside (https://teem.sourceforge.net/nrrd/format.html): raw, gzip, bzip2, ascii.

pynrrd reads the header; voxels are read here, since it inflates without a bound.
"""

import bz2
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import nrrd
import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.inflate import gunzip
from workers.images.volumes.files.contract import FileHeader, NeedsMoreError, checked_affine, from_lps, three_axes
from workers.images.volumes.files.values import array_of, checked_kind, scaled
from workers.images.volumes.volume import Affine4

_MOST_HEADER = 1 << 24
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
"""Signs that lead to LPS+."""
_NO_PLACE = "its header names no anatomical space: its axes are taken to lead left, back and up"
_BESIDE = "a NRRD header whose voxels lie in another file: convert both to one .nrrd"
_ELSEWHERE = re.compile(rb"^data ?file:", re.IGNORECASE | re.MULTILINE)
_GZIP, _BZIP2 = ("gzip", "gz"), ("bzip2", "bz2")


def header(start: bytes) -> FileHeader:
    """From the beginning of the file. Raises NeedsMoreError or RecordError."""
    return _described(_parsed(start)[0])


def voxels(data: bytes | memoryview, max_inflated: int) -> tuple[FileHeader, Array]:
    """The whole file. Raises RecordError."""
    start = bytes(data[:_MOST_HEADER])
    try:
        fields, end = _parsed(start)
    except NeedsMoreError:
        raise RecordError(Status.UNREADABLE, "it ends in its header") from None
    found = _described(fields)
    if found.stored_bytes > max_inflated:
        raise RecordError(Status.TOO_LARGE, f"it inflates to more than {max_inflated} bytes")
    body = _body(memoryview(data)[end:], fields, found, max_inflated)
    return found, scaled(array_of(body, found.kind, found.shape), 1.0, 0.0)


def _parsed(start: bytes) -> tuple[Mapping[str, Any], int]:
    """The fields, and where the voxels begin: behind the first empty line."""
    ends = [at + len(line) for line in (b"\n\n", b"\r\n\r\n") if (at := start.find(line)) >= 0]
    if not ends and _ELSEWHERE.search(start):
        # No empty line has to end a header without voxels behind it.
        raise RecordError(Status.UNSUPPORTED, _BESIDE)
    if not ends:
        if len(start) >= _MOST_HEADER:
            raise RecordError(Status.UNREADABLE, "its NRRD header does not end")
        raise NeedsMoreError
    with as_record_error("its NRRD header cannot be read"):
        fields = {name.lower(): value for name, value in nrrd.read_header(BytesIO(start[: min(ends)])).items()}
    if "data file" in fields or "datafile" in fields:
        raise RecordError(Status.UNSUPPORTED, _BESIDE)
    return fields, min(ends)


def _described(fields: Mapping[str, Any]) -> FileHeader:
    with as_record_error("its NRRD header cannot be read"):
        sizes = tuple(int(size) for size in fields["sizes"])
        shape = three_axes(sizes)
        if fields["type"] == "block":
            raise RecordError(Status.UNSUPPORTED, "its voxels are blocks of bytes: no model takes them")
        kind = np.dtype(nrrd.reader._TYPEMAP_NRRD2NUMPY[fields["type"]])
        if kind.itemsize > 1 and fields.get("encoding") not in ("ascii", "text", "txt"):
            kind = kind.newbyteorder("<" if fields["endian"] == "little" else ">")
        affine, remark = _affine(fields)
    return FileHeader(shape, checked_affine(affine), checked_kind(kind), remark)


def _affine(fields: Mapping[str, Any]) -> tuple[Affine4, str]:
    if "space directions" in fields and "space" in fields:
        signs = _SPACES.get(str(fields["space"]).lower())
        if signs is None:
            raise RecordError(Status.UNSUPPORTED, "its NRRD space is none of LPS, RAS, LAS: convert it")
        rows = np.asarray(fields["space directions"], np.float64)[:3]
        origin = np.asarray(fields.get("space origin", np.zeros(3)), np.float64)
        return from_lps(np.diag(signs) @ rows.T, np.diag(signs) @ origin), ""
    spacings = np.asarray(fields.get("spacings", np.ones(3)), np.float64)[:3]
    return from_lps(np.diag(np.where(np.isnan(spacings), 1.0, spacings)), np.zeros(3)), _NO_PLACE


def _body(body: memoryview, fields: Mapping[str, Any], found: FileHeader, limit: int) -> bytes | memoryview:
    encoding = str(fields.get("encoding", "raw")).lower()
    skip, offset = (fields.get(f"{what} skip", fields.get(f"{what}skip", 0)) for what in ("line", "byte"))
    if skip < 0 or offset < -1:
        raise RecordError(Status.UNREADABLE, "its NRRD header skips less than nothing before its voxels")
    if skip:
        body = _behind_lines(body, skip)
    content: bytes | memoryview = body
    if encoding in _GZIP:
        content = gunzip(body, limit)
    elif encoding in _BZIP2:
        with as_record_error("its compressed data is damaged"):
            content = bz2.BZ2Decompressor().decompress(bytes(body), limit + 1)
    elif encoding in ("ascii", "text", "txt"):
        with as_record_error("its voxels are not numbers"):
            return np.array(bytes(body).split(), found.kind).tobytes()
    elif encoding != "raw":
        raise RecordError(Status.UNSUPPORTED, "its NRRD encoding is none of raw, gzip, bzip2, ascii: convert it")
    return content[len(content) - found.stored_bytes :] if offset == -1 else content[offset:]


def _behind_lines(body: memoryview, count: int) -> memoryview:
    """Nothing where there are fewer lines."""
    whole, at = bytes(body), 0
    for _ in range(min(count, whole.count(b"\n"))):
        at = whole.index(b"\n", at) + 1
    return body[at:] if count <= whole.count(b"\n") else body[:0]
