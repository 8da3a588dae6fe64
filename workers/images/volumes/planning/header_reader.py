"""The reading side of stage `headers` over volumes: what every object says of itself, read once."""

from collections.abc import Mapping
from io import SEEK_END, BytesIO
from typing import IO, Any, cast

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.sniff import sniff
from workers.images.header_reader import HeaderReader
from workers.images.settings import VOLUME_FORMATS, ImageFormat
from workers.images.volumes.files.opened import read_file_header
from workers.images.volumes.planning.dicom_facts import dicom_columns, up_to_pixels
from workers.pipeline.reading import Prepared
from workers.reading.gzip import GZIP, begins_as_gzip, inflate_start

_PREFIXES = (1 << 16, 1 << 20, 1 << 24)
Columns = Mapping[str, Any]


class FactsReader(HeaderReader):
    """`workers.images.volumes.planning.columns.HEADER_TYPES` of each object, and the attributes that it is to carry."""

    def describe(self, file: IO[bytes], row: int, record: Mapping[str, Any]) -> Prepared:
        """A failure of storage passes through, and is never taken for damage."""
        watched = ErrorLatchingReader(file)
        try:
            return self._described(cast(IO[bytes], watched), row, record)
        finally:
            watched.raise_failure()

    def _described(self, file: IO[bytes], row: int, record: Mapping[str, Any]) -> Prepared:
        size = file.seek(0, SEEK_END)
        if size > self.source.max_bytes:
            raise RecordError(Status.TOO_LARGE, f"the object is larger than {self.source.max_bytes} bytes")
        start = _prefix(file, _PREFIXES[0])
        zipped = begins_as_gzip(start)
        first = inflate_start(start, _PREFIXES[0], GZIP) if zipped else start
        kind = sniff(first)
        if kind is None:
            raise RecordError(Status.UNREADABLE, "of no known image format" if size else "the object is empty")
        if self.source.format not in ("auto", kind):
            raise RecordError(Status.UNREADABLE, f"not {self.source.format} but {kind}, by its first bytes")
        if kind in VOLUME_FORMATS:
            return Prepared(row, columns=_of_file(file, kind, size, zipped=zipped))
        if kind != "dicom":
            raise RecordError(Status.NOT_A_VOLUME, f"a {kind}, which is no volume and no slice of one")
        if zipped:
            file = BytesIO(gunzip(_prefix(file, size), self.source.max_inflated))
            size = file.seek(0, SEEK_END)
        return self._dicom(file, size, row, record["record_id"])

    def _dicom(self, file: IO[bytes], size: int, row: int, key: str) -> Prepared:
        for wanted in (*(length for length in _PREFIXES if length < size), size):
            prefix = _prefix(file, wanted)
            if wanted == size or up_to_pixels(prefix):
                columns, fault = dicom_columns(prefix, size, key, self.source)
                return Prepared(row, status=fault and fault.status, detail=fault.detail if fault else "", columns=columns)
        raise AssertionError("the last prefix is the whole object")


def _of_file(file: IO[bytes], kind: ImageFormat, size: int, *, zipped: bool) -> Columns:
    for wanted in (*(length for length in _PREFIXES if length < size), size):
        prefix = _prefix(file, wanted)
        start = inflate_start(prefix, _PREFIXES[-1], GZIP) if zipped else prefix
        found = read_file_header(kind, start, whole=wanted == size)
        if found is not None:
            return {
                "format": kind,
                "n_slices": found.shape[2],
                "shape": list(found.shape),
                "affine": found.affine.ravel().tolist(),
                "stored_bytes": found.stored_bytes,
                "remark": found.remark or None,
            }
    raise AssertionError("the last prefix is the whole object")


def _prefix(file: IO[bytes], wanted: int) -> bytes:
    file.seek(0)
    return file.read(wanted)
