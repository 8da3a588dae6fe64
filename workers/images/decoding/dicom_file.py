"""Bytes to a pydicom dataset: bounded, and with every way of failing a status."""

from collections.abc import Iterator
from io import BytesIO

from pydicom import DataElement, Dataset, FileDataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.filereader import _read_file_meta_info
from pydicom.uid import UID

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.fence import as_record_error, silence
from workers.images.decoding.inflate import inflate
from workers.images.decoding.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE

silence("pydicom", "pylibjpeg", "openjpeg")

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
PREFIX_END = 132
_UNDEFINED_LENGTH = 0xFFFFFFFF


def read_dicom(data: bytes, max_inflated: int) -> FileDataset:
    """Parse a whole DICOM object, with or without preamble; see PS3.10 for the file format.

    Raises RecordError: unreadable, or too_large where a deflated dataset inflates beyond `max_inflated` bytes.
    """
    with as_record_error("it is not readable as DICOM"):
        deflated_at = deflated_dataset(data)
        if deflated_at is not None:
            data = without_deflation(data[:deflated_at], inflate(memoryview(data)[deflated_at:], max_inflated))
        # `force`: older files have no preamble; `sniff` has looked at their first element instead.
        dataset = dcmread(BytesIO(data), force=True)
        if not len(dataset):
            raise RecordError(Status.UNREADABLE, "no element of it can be read: it is cut off or damaged")
        if deflated_at is not None:
            dataset.file_meta.TransferSyntaxUID = UID(DEFLATED)
        return dataset


def deflated_dataset(data: bytes) -> int | None:
    """Where the dataset of a file in the deflated transfer syntax starts (PS3.5 A.5); None for any other file.

    pydicom inflates without a bound, so this must find every file that it would inflate: hence its own reader.
    """
    if DEFLATED.encode() not in data:
        return None
    stream = BytesIO(data)
    stream.seek(PREFIX_END if data[128:PREFIX_END] == b"DICM" else 0)
    meta = _read_file_meta_info(stream)
    return stream.tell() if meta.get("TransferSyntaxUID") == DEFLATED else None


def without_deflation(meta: bytes, dataset: bytes) -> bytes:
    """The same file in explicit VR little endian; UIDs may be padded with NUL, so that no length changes."""
    return meta.replace(DEFLATED.encode(), EXPLICIT_LITTLE.encode().ljust(len(DEFLATED), b"\0")) + dataset


def transfer_syntax_of(dataset: FileDataset) -> str:
    """Its UID. A file that names none is taken as what it was found to be encoded in, if its pixels are not wrapped.

    Sets the found UID in the file's meta information, where pydicom looks for it. Raises RecordError.
    """
    with as_record_error("its meta information cannot be read"):
        named = dataset.file_meta.get("TransferSyntaxUID")
        if named:
            return str(named)
        if any(_is_wrapped(dataset, keyword) for keyword in PIXEL_KEYWORDS):
            raise RecordError(Status.UNSUPPORTED, "its pixels are compressed and it names no transfer syntax")
        implicit, little = dataset.original_encoding
        found = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
        dataset.file_meta.TransferSyntaxUID = UID(found)
        return found


def pixel_keyword(dataset: FileDataset) -> str:
    """Which of the three pixel elements it has.

    Raises RecordError: no_pixels where there is none, unreadable where the file was cut before it, or has two.
    """
    found = [keyword for keyword in PIXEL_KEYWORDS if keyword in dataset]
    if len(found) == 1:
        return found[0]
    if found:
        raise RecordError(Status.UNREADABLE, "it has more than one kind of pixel data")
    if is_cut(dataset):
        raise RecordError(Status.UNREADABLE, "it ends in the middle of an element")
    if "Rows" in dataset:
        raise RecordError(Status.NO_PIXELS, "it describes an image but holds no pixel data")
    raise RecordError(Status.NO_PIXELS, "a DICOM object without an image")


def is_cut(dataset: FileDataset) -> bool:
    """Whether an element claims more bytes than the file had left for it."""
    return any(
        element.value is not None and element.length != _UNDEFINED_LENGTH and len(element.value) < element.length
        for element in raw_elements(dataset)
        if isinstance(element, RawDataElement)
    )


def raw_elements(dataset: Dataset) -> Iterator[RawDataElement | DataElement]:
    """The top-level elements as they were read: converting all would fail on the one that nobody asked for."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag, keep_deferred=True)
        if element is not None:
            yield element


def _is_wrapped(dataset: FileDataset, keyword: str) -> bool:
    return keyword in dataset and bool(dataset[keyword].is_undefined_length)
