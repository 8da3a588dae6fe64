"""The one door to files of volumes: by content, out of gzip if need be, bounded."""

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.sniff import sniff
from workers.images.settings import VOLUME_FORMATS, ImageFormat, ImagesInput
from workers.images.volumes.files.contract import FileFormat, FileHeader, NeedsMoreError
from workers.reading.gzip import begins_as_gzip


def format_of(kind: ImageFormat) -> FileFormat:
    """A format by its name. Each needs a library that others need not pay for."""
    return cast(FileFormat, import_module(f"workers.images.volumes.files.{kind}"))


def read_volume(data: bytes | memoryview, source: ImagesInput) -> tuple[FileHeader, Array]:
    """Header and voxels (i, j, k) of a whole file. Raises RecordError."""
    if begins_as_gzip(data):
        data = gunzip(data, source.max_inflated)
    kind = sniff(data)
    if kind is None or kind not in VOLUME_FORMATS:
        raise RecordError(Status.INPUT_CHANGED, "it was planned as a volume, and is none any more")
    return format_of(kind).voxels(data, source.max_inflated)


def read_file_header(kind: ImageFormat, beginnings: Iterable[tuple[bytes, bool]]) -> FileHeader:
    """The header from longer and longer beginnings of a file, out of gzip, each with whether it is all of it.

    Raises RecordError.
    """
    for start, _ in beginnings:
        try:
            return format_of(kind).header(start)
        except NeedsMoreError:
            continue
    raise RecordError(Status.UNREADABLE, "it ends in its header")
