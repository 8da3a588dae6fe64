"""What an object says of itself before it is decoded: for the check before a run and for counting frames."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import IO, cast

from pydicom import FileDataset
from pydicom.uid import UID

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.decode import refuse_volume
from workers.images.decoding.dicom_file import (
    PIXEL_KEYWORDS,
    UNDEFINED_LENGTH,
    DicomFile,
    Pixels,
    Reached,
    deflated_dataset,
    read_dicom,
    read_to_pixels,
    transfer_syntax_of,
    without_deflation,
)
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.jpeg2000 import jpeg2000_header
from workers.images.decoding.numpy_files import NpyHeader, npz_member, read_npy_header
from workers.images.decoding.pillow_files import count_pictures
from workers.images.decoding.pixel_module import check_holds, read_pixel_module
from workers.images.decoding.rasters import jpeg_header, png_header
from workers.images.decoding.sniff import sniff
from workers.images.decoding.tiff import count_pages
from workers.images.decoding.transfer_syntax import DEFLATED, NATIVE, decoder_status
from workers.images.settings import ImageFormat, ImagesInput
from workers.reading.gzip import begins_as_gzip, inflate_start

_PREFIXES = (1 << 16, 1 << 20, 1 << 24)
_PIXEL_MODULE_TAGS = (
    0x00280002,
    0x00280004,
    0x00280006,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280101,
    0x00280102,
    0x00280103,
)
# RFC 1951: a match of 258 bytes takes at least two bits.
_MOST_INFLATION = 1032


@dataclass(frozen=True)
class HeaderFacts:
    """One object. `transfer_syntax` is a UID, for DICOM only; `remedy` says what would make it `decodable`.

    `n_frames` is what decoding will find, and 0 where `has_pixels` is false.
    """

    format: ImageFormat
    rows: int = 0
    columns: int = 0
    n_frames: int = 0
    has_pixels: bool = True
    transfer_syntax: str | None = None
    transfer_syntax_name: str | None = None
    decodable: bool = True
    remedy: str = ""


def read_header(reader: IO[bytes], settings: ImagesInput) -> HeaderFacts:
    """Read as little of a seekable object as tells its format, size, frames and transfer syntax.

    Raises RecordError for what decoding would refuse by its header alone; InfrastructureError or ObjectError where
    the reader did, which is never taken for damage.
    """
    watched = ErrorLatchingReader(reader)
    try:
        return _read(cast(IO[bytes], watched), settings)
    finally:
        watched.raise_failure()


def _read(reader: IO[bytes], settings: ImagesInput) -> HeaderFacts:
    size = reader.seek(0, SEEK_END)
    if size > settings.max_bytes:
        raise RecordError(Status.TOO_LARGE, f"the object is larger than {settings.max_bytes} bytes")
    start = _prefix(reader, _PREFIXES[0])
    if begins_as_gzip(start):
        reader = BytesIO(gunzip(_prefix(reader, size), settings.max_inflated))
        size = reader.seek(0, SEEK_END)
        start = _prefix(reader, _PREFIXES[0])
    kind = sniff(start)
    if kind is None:
        raise RecordError(Status.UNREADABLE, "of no known image format" if size else "the object is empty")
    if settings.format not in ("auto", kind):
        raise RecordError(Status.UNREADABLE, f"not {settings.format} but {kind}, by its first bytes")
    refuse_volume(kind)
    return _dicom(reader, size, settings) if kind == "dicom" else _other(reader, kind, size)


def _other(reader: IO[bytes], kind: ImageFormat, size: int) -> HeaderFacts:
    if kind == "png":
        columns, rows, _, _ = png_header(_prefix(reader, _PREFIXES[0]))
        return HeaderFacts(kind, rows, columns, 1)
    if kind == "jpeg":
        return _jpeg(reader, size)
    if kind == "jpeg2000":
        found = jpeg2000_header(_prefix(reader, _PREFIXES[-1]))
        return HeaderFacts(kind, found.rows, found.columns, 1)
    reader.seek(0)
    if kind in ("bmp", "webp", "gif"):
        frames, rows, columns = count_pictures(kind, reader)
        return HeaderFacts(kind, rows, columns, frames)
    if kind == "tiff":
        pages, rows, columns = count_pages(reader)
        return HeaderFacts(kind, rows, columns, pages)
    header = read_npy_header(reader) if kind == "npy" else _npz(reader)
    rows, columns = header.frame_shape[:2]
    return HeaderFacts(kind, rows, columns, header.frames)


def _npz(reader: IO[bytes]) -> NpyHeader:
    with (
        as_record_error("it is not readable as a numpy file"),
        zipfile.ZipFile(reader) as archive,
        archive.open(npz_member(archive)) as stream,
    ):
        return read_npy_header(stream)


def _jpeg(reader: IO[bytes], size: int) -> HeaderFacts:
    """Comments and profiles before its size may be long."""
    for prefix, whole in _growing(reader, size):
        try:
            found = jpeg_header(prefix)
        except RecordError as error:
            if whole or error.status is not Status.UNREADABLE:
                raise
        else:
            return HeaderFacts("jpeg", found.rows, found.columns, 1)
    raise AssertionError("the last prefix is the whole object")


def _dicom(reader: IO[bytes], size: int, settings: ImagesInput) -> HeaderFacts:
    for prefix, whole in _growing(reader, size):
        if whole:
            return _facts_of_whole(read_dicom(prefix, settings.max_inflated))
        found = _up_to_pixels(prefix)
        if found is not None:
            return _facts(*found, size)
    raise AssertionError("the last prefix is the whole object")


def _facts_of_whole(parsed: DicomFile) -> HeaderFacts:
    try:
        pixels = parsed.pixels()
    except RecordError as error:
        if error.status is not Status.NO_PIXELS:
            raise
        return HeaderFacts("dicom", has_pixels=False)
    return _described(parsed, pixels, len(pixels.data))


def _facts(dataset: FileDataset, reached: Reached, size: int) -> HeaderFacts:
    if not reached.length:
        return HeaderFacts("dicom", has_pixels=False)
    wrapped = reached.length == UNDEFINED_LENGTH
    pixels = Pixels(PIXEL_KEYWORDS[reached.tag], reached.vr, memoryview(b""), wrapped)
    return _described(DicomFile(dataset, (pixels,)), pixels, _at_most(reached, size, dataset))


def _at_most(reached: Reached, size: int, dataset: FileDataset) -> int:
    """Bytes of pixels that an object of this size can hold at best, whatever the element says of its length."""
    deflated = dataset.file_meta.get("TransferSyntaxUID") == DEFLATED
    # Where the object is deflated, its size says only how much may come out at best.
    room = size * _MOST_INFLATION if deflated else size - reached.place
    return room if reached.length == UNDEFINED_LENGTH else min(reached.length, room)


def _described(parsed: DicomFile, pixels: Pixels, stored: int) -> HeaderFacts:
    uid = transfer_syntax_of(parsed)
    status = decoder_status(uid)
    try:
        module = read_pixel_module(parsed.dataset, pixels.keyword)
    except RecordError:
        if status.packages:
            raise
        # What is lacking in a header that nobody can read says nothing: decoding asks for the syntax first, too.
        raise RecordError(Status.UNSUPPORTED, f"{status.name}: {status.remedy}") from None
    check_holds(module, uid in NATIVE and not pixels.wrapped, stored)
    return HeaderFacts(
        "dicom",
        module.rows,
        module.columns,
        module.frames,
        transfer_syntax=uid,
        transfer_syntax_name=status.name,
        decodable=status.available,
        remedy=status.remedy,
    )


def _up_to_pixels(prefix: bytes) -> tuple[FileDataset, Reached] | None:
    """The dataset before its pixels, and where they are.

    None if the prefix ends before them, or in the middle of something that cannot be read then: the whole decides.
    """
    try:
        with as_record_error(""):
            deflated_at = deflated_dataset(prefix)
            if deflated_at is not None:
                # pydicom would inflate the whole dataset, without a bound.
                inflated = inflate_start(memoryview(prefix)[deflated_at:], _PREFIXES[-1])
                prefix = without_deflation(prefix[:deflated_at], inflated)
            dataset, reached, _ = read_to_pixels(BytesIO(prefix), list(_PIXEL_MODULE_TAGS))
            if deflated_at is not None:
                dataset.file_meta.TransferSyntaxUID = UID(DEFLATED)
    except RecordError:
        return None
    return None if reached is None else (dataset, reached)


def _growing(reader: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Longer and longer beginnings, and whether it is the whole object; the last one is."""
    for wanted in _PREFIXES:
        if wanted < size:
            yield _prefix(reader, wanted), False
    yield _prefix(reader, size), True


def _prefix(reader: IO[bytes], wanted: int) -> bytes:
    reader.seek(0)
    return reader.read(wanted)
