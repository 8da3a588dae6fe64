"""What an object says of itself before it is decoded: for the check before a run and for counting frames."""

import zipfile
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import IO, cast

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.decode import refuse_volume
from workers.images.decoding.dicom_file import Pixels, transfer_syntax_of
from workers.images.decoding.dicom_headers import PREFIXES, DicomHeader, growing, prefix, read_dicom_header
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.inflate import gunzip
from workers.images.decoding.jpeg2000 import jpeg2000_header
from workers.images.decoding.numpy_files import NpyHeader, npz_member, read_npy_header
from workers.images.decoding.pillow_files import count_pictures
from workers.images.decoding.pixel_module import PixelModule, check_holds, read_pixel_module
from workers.images.decoding.rasters import jpeg_header, png_header
from workers.images.decoding.sniff import sniff
from workers.images.decoding.tiff import count_pages
from workers.images.decoding.transfer_syntax import NATIVE, decoder_status
from workers.images.settings import VOLUME_FORMATS, ImageFormat, ImagesInput
from workers.reading.gzip import begins_as_gzip

PIXEL_MODULE_TAGS = (
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
    reader, size, kind = open_image(reader, settings)
    if kind != "dicom":
        return _other(reader, kind, size)
    header = read_dicom_header(reader, size, settings.max_inflated, PIXEL_MODULE_TAGS)
    if header.problem is not None:
        raise header.problem
    return HeaderFacts("dicom", has_pixels=False) if header.pixels is None else _described(header, header.pixels)


def open_image(reader: IO[bytes], settings: ImagesInput) -> tuple[IO[bytes], int, ImageFormat]:
    """The object itself, out of gzip where it lies in that, its size and its format.

    Raises RecordError: too_large, unreadable.
    """
    size = reader.seek(0, SEEK_END)
    if size > settings.max_bytes:
        raise RecordError(Status.TOO_LARGE, f"the object is larger than {settings.max_bytes} bytes")
    start = prefix(reader, PREFIXES[0])
    if begins_as_gzip(start):
        reader = BytesIO(gunzip(prefix(reader, size), settings.max_inflated))
        size = reader.seek(0, SEEK_END)
        start = prefix(reader, PREFIXES[0])
    kind = sniff(start)
    if kind is None:
        raise RecordError(Status.UNREADABLE, "of no known image format" if size else "the object is empty")
    if settings.format not in ("auto", kind):
        raise RecordError(Status.UNREADABLE, f"not {settings.format} but {kind}, by its first bytes")
    if not settings.has_volumes:
        refuse_volume(kind)
    return reader, size, kind


def _other(reader: IO[bytes], kind: ImageFormat, size: int) -> HeaderFacts:
    if kind == "png":
        columns, rows, _, _ = png_header(prefix(reader, PREFIXES[0]))
        return HeaderFacts(kind, rows, columns, 1)
    if kind == "jpeg":
        return _jpeg(reader, size)
    if kind == "jpeg2000":
        found = jpeg2000_header(prefix(reader, PREFIXES[-1]))
        return HeaderFacts(kind, found.rows, found.columns, 1)
    if kind in VOLUME_FORMATS:
        return _volume(reader, kind, size)
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


def _volume(reader: IO[bytes], kind: ImageFormat, size: int) -> HeaderFacts:
    from workers.images.volumes.files.opened import read_file_header  # noqa: PLC0415 - images need none of it

    columns, rows, slices = read_file_header(kind, growing(reader, size)).shape
    return HeaderFacts(kind, rows, columns, slices)


def _npz(reader: IO[bytes]) -> NpyHeader:
    with (
        as_record_error("it is not readable as a numpy file"),
        zipfile.ZipFile(reader) as archive,
        archive.open(npz_member(archive)) as stream,
    ):
        return read_npy_header(stream)


def _jpeg(reader: IO[bytes], size: int) -> HeaderFacts:
    """Comments and profiles before its size may be long."""
    for begun, whole in growing(reader, size):
        try:
            found = jpeg_header(begun)
        except RecordError as error:
            if whole or error.status is not Status.UNREADABLE:
                raise
        else:
            return HeaderFacts("jpeg", found.rows, found.columns, 1)
    raise AssertionError("the last prefix is the whole object")


def described_pixels(header: DicomHeader, pixels: Pixels) -> PixelModule:
    """How the pixels of a header are stored, if the object can hold them.

    Raises RecordError: unreadable, unsupported.
    """
    uid = transfer_syntax_of(header.parsed)
    status = decoder_status(uid)
    try:
        module = read_pixel_module(header.parsed.dataset, pixels.keyword)
    except RecordError:
        if status.packages:
            raise
        # What is lacking in a header that nobody can read says nothing: decoding asks for the syntax first, too.
        raise RecordError(Status.UNSUPPORTED, f"{status.name}: {status.remedy}") from None
    check_holds(module, uid in NATIVE and not pixels.wrapped, header.stored)
    return module


def _described(header: DicomHeader, pixels: Pixels) -> HeaderFacts:
    module = described_pixels(header, pixels)
    uid = transfer_syntax_of(header.parsed)
    status = decoder_status(uid)
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
