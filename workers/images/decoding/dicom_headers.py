"""The elements of a DICOM object before its pixels, by as few bytes of it as hold them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from pydicom import FileDataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.dicom_file import (
    PIXEL_KEYWORDS,
    UNDEFINED_LENGTH,
    DicomFile,
    Pixels,
    Reached,
    deflated_dataset,
    read_dicom,
    read_to_pixels,
    without_deflation,
)
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.transfer_syntax import DEFLATED
from workers.reading.gzip import inflate_start

PREFIXES = (1 << 16, 1 << 20, 1 << 24)
# RFC 1951: a match of 258 bytes takes at least two bits.
_MOST_INFLATION = 1032


@dataclass(frozen=True)
class DicomHeader:
    """An object without the bytes of its pixels: `pixels` is empty, `stored` is how many bytes of it there are at most.

    `pixels` is None where the object has none, or where `problem` is why they cannot be reached.
    """

    parsed: DicomFile
    pixels: Pixels | None
    stored: int = 0
    problem: RecordError | None = None


def read_dicom_header(reader: IO[bytes], size: int, max_inflated: int, tags: Sequence[int]) -> DicomHeader:
    """Read these elements, and perhaps others, of a DICOM object of this size.

    Raises RecordError (unreadable, too_large).
    """
    for begun, whole in growing(reader, size):
        if whole:
            return _of_whole(read_dicom(begun, max_inflated))
        found = _up_to_pixels(begun, tags)
        if found is not None:
            return _of_beginning(*found, size)
    raise AssertionError("the last prefix is the whole object")


def growing(reader: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Longer and longer beginnings, and whether it is the whole object; the last one is."""
    for wanted in PREFIXES:
        if wanted < size:
            yield prefix(reader, wanted), False
    yield prefix(reader, size), True


def prefix(reader: IO[bytes], wanted: int) -> bytes:
    """The first bytes of an object, as many as are there."""
    reader.seek(0)
    return reader.read(wanted)


def _of_whole(parsed: DicomFile) -> DicomHeader:
    try:
        pixels = parsed.pixels()
    except RecordError as error:
        return DicomHeader(parsed, None, problem=None if error.status is Status.NO_PIXELS else error)
    return DicomHeader(parsed, pixels, len(pixels.data))


def _of_beginning(dataset: FileDataset, reached: Reached, size: int) -> DicomHeader:
    if not reached.length:
        return DicomHeader(DicomFile(dataset), None)
    wrapped = reached.length == UNDEFINED_LENGTH
    pixels = Pixels(PIXEL_KEYWORDS[reached.tag], reached.vr, memoryview(b""), wrapped)
    return DicomHeader(DicomFile(dataset, (pixels,)), pixels, _at_most(reached, size, dataset))


def _at_most(reached: Reached, size: int, dataset: FileDataset) -> int:
    """Bytes of pixels that an object of this size can hold at best, whatever the element says of its length."""
    deflated = dataset.file_meta.get("TransferSyntaxUID") == DEFLATED
    # Where the object is deflated, its size says only how much may come out at best.
    room = size * _MOST_INFLATION if deflated else size - reached.place
    return room if reached.length == UNDEFINED_LENGTH else min(reached.length, room)


def _up_to_pixels(begun: bytes, tags: Sequence[int]) -> tuple[FileDataset, Reached] | None:
    """The dataset before its pixels, and where they are.

    None if the prefix ends before them, or in the middle of something that cannot be read then: the whole decides.
    """
    try:
        with as_record_error(""):
            deflated_at = deflated_dataset(begun)
            if deflated_at is not None:
                # pydicom would inflate the whole dataset, without a bound.
                inflated = inflate_start(memoryview(begun)[deflated_at:], PREFIXES[-1])
                begun = without_deflation(begun[:deflated_at], inflated)
            wanted: list[BaseTag | int] = list(tags)
            dataset, reached, _ = read_to_pixels(BytesIO(begun), wanted)
            if deflated_at is not None:
                dataset.file_meta.TransferSyntaxUID = UID(DEFLATED)
    except RecordError:
        return None
    return None if reached is None else (dataset, reached)
