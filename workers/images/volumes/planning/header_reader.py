"""The reading side of stage `headers` over volumes: what every object says of itself, read once."""

from collections.abc import Mapping
from io import SEEK_END
from typing import IO, Any, cast

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.dicom_headers import PREFIXES, growing, prefix
from workers.images.decoding.sniff import sniff
from workers.images.header_reader import HeaderReader
from workers.images.series.facts import SliceFacts
from workers.images.series.read_facts import read_facts
from workers.images.settings import VOLUME_FORMATS, ImageFormat
from workers.images.volumes.files.opened import read_file_header
from workers.images.volumes.planning.texts import facts_text
from workers.pipeline.reading import Prepared
from workers.reading.gzip import GZIP, begins_as_gzip, inflate_start

_OF_FIRST = ("series_uid", "study_uid", "modality", "rows", "columns")
"""What the first slice of an object says for all of them."""


class FactsReader(HeaderReader):
    """`workers.images.volumes.planning.columns.HEADER_TYPES` of each object, and the attributes that it is to carry."""

    def describe(self, file: IO[bytes], row: int, record: Mapping[str, Any]) -> Prepared:
        """A failure of storage passes through, and is never taken for damage."""
        watched = ErrorLatchingReader(file)
        try:
            return self._described(cast(IO[bytes], watched), row, record["record_id"])
        finally:
            watched.raise_failure()

    def _described(self, file: IO[bytes], row: int, key: str) -> Prepared:
        size = file.seek(0, SEEK_END)
        if size > self.source.max_bytes:
            raise RecordError(Status.TOO_LARGE, f"the object is larger than {self.source.max_bytes} bytes")
        start = prefix(file, PREFIXES[0])
        zipped = begins_as_gzip(start)
        kind = sniff(inflate_start(start, PREFIXES[0], GZIP) if zipped else start)
        if kind in VOLUME_FORMATS:
            if self.source.format not in ("auto", kind):
                raise RecordError(Status.UNREADABLE, f"not {self.source.format} but {kind}, by its first bytes")
            return Prepared(row, columns=_of_file(file, kind, size, zipped=zipped))
        if kind not in ("dicom", None) and self.source.format in ("auto", kind):
            raise RecordError(Status.NOT_A_VOLUME, f"a {kind}, which is no volume and no slice of one")
        file.seek(0)
        selection = self.source.selection
        wanted = (*self.source.header_names, *(selection.attributes if selection is not None else ()))
        return self._of_slices(read_facts(file, self.source, key, dict.fromkeys(wanted)), row)

    def _of_slices(self, facts: list[SliceFacts], row: int) -> Prepared:
        first = facts[0]
        fault = next((one.fault for one in facts if one.fault is not None), None)
        columns: dict[str, Any] = {name: _text(first.extra.get(name)) for name in self.source.header_names}
        columns |= {name: getattr(first, name) for name in _OF_FIRST}
        columns |= {"format": "dicom", "n_slices": len(facts), "facts": facts_text(facts)}
        return Prepared(row, status=fault and fault.status, detail=fault.detail if fault else "", columns=columns)


def _text(value: Any) -> str | None:
    """As `workers.images.decoding.identifiers` has it."""
    if isinstance(value, tuple):
        return "\\".join(_text(part) or "" for part in value)
    return None if value is None else str(value)


def _of_file(file: IO[bytes], kind: ImageFormat, size: int, *, zipped: bool) -> Mapping[str, Any]:
    beginnings = growing(file, size)
    if zipped:
        beginnings = ((inflate_start(start, PREFIXES[-1], GZIP), whole) for start, whole in beginnings)
    found = read_file_header(kind, beginnings)
    return {
        "format": kind,
        "n_slices": found.shape[2],
        "shape": list(found.shape),
        "affine": found.affine.ravel().tolist(),
        "stored_bytes": found.stored_bytes,
        "remark": found.remark or None,
    }
