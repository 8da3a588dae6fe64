"""Bytes to a pydicom dataset without its pixels, and where those lie: bounded, each way of failing a status."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, cast

from pydicom import DataElement, Dataset, FileDataset
from pydicom.dataelem import RawDataElement
from pydicom.filereader import _read_file_meta_info, read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.encapsulated import ITEM, read_fragments
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.inflate import inflate
from workers.images.decoding.memory_stream import MemoryStream
from workers.images.decoding.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from workers.reading.gzip import inflate_start

PREFIX_END = 132
PIXEL_KEYWORDS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
UNDEFINED_LENGTH = 0xFFFFFFFF
_MOST_HEADER = 1 << 24
_CUT = "it ends in the middle of an element"
_NOTHING = "no element of it can be read: it is cut off or damaged"


class Pixels(NamedTuple):
    """A pixel element: its value as far as the file has it, which is `whole` or cut off.

    `wrapped`: of undefined length, as compressed pixels are. `vr` is None in implicit VR.
    """

    keyword: str
    vr: str | None
    data: memoryview
    wrapped: bool = False
    whole: bool = True

    @property
    def is_encapsulated(self) -> bool:
        """Whether it holds items; some writers give such a value a length."""
        return self.wrapped or bytes(self.data[:4]) == ITEM


@dataclass(frozen=True)
class DicomFile:
    """A parsed object. `dataset` has every element but pixels that could be read; `problem` is what ended reading."""

    dataset: FileDataset
    found: tuple[Pixels, ...] = ()
    problem: RecordError | None = field(default=None, compare=False)

    def pixels(self) -> Pixels:
        """The one pixel element.

        Raises RecordError: no_pixels where there is none or it is empty, unreadable where the file was cut before it,
        or has two.
        """
        if self.problem is not None:
            raise self.problem
        if len(self.found) > 1:
            raise RecordError(Status.UNREADABLE, "it has more than one kind of pixel data")
        if self.found and _holds_something(self.found[0]):
            return self.found[0]
        if not self.found and is_cut(self.dataset):
            raise RecordError(Status.UNREADABLE, _CUT)
        if self.found or "Rows" in self.dataset:
            raise RecordError(Status.NO_PIXELS, "it describes an image but holds no pixel data")
        raise RecordError(Status.NO_PIXELS, "a DICOM object without an image")


def _holds_something(pixels: Pixels) -> bool:
    if not pixels.whole or not pixels.is_encapsulated:
        return not pixels.whole or len(pixels.data) > 0
    return any(last > first for first, last in read_fragments(pixels.data).spans)


def read_dicom(data: bytes | memoryview, max_inflated: int) -> DicomFile:
    """Parse a whole DICOM object, with or without preamble; see PS3.10 for the file format. Pixels are not copied.

    Raises RecordError: unreadable, or too_large where a deflated dataset inflates beyond `max_inflated` bytes.
    """
    with as_record_error("it is not readable as DICOM"):
        deflated_at = deflated_dataset(data)
        parsed = _parsed(memoryview(data)) if deflated_at is None else _parsed_deflated(data, deflated_at, max_inflated)
        if not len(parsed.dataset):
            raise parsed.problem or RecordError(Status.UNREADABLE, _NOTHING)
        return parsed


def _parsed_deflated(data: bytes | memoryview, at: int, max_inflated: int) -> DicomFile:
    """The same for a deflated dataset that starts here. One that is cut off keeps the elements that come out."""
    packed, problem = memoryview(data)[at:], None
    try:
        inflated = inflate(packed, max_inflated)
    except RecordError as error:
        inflated, problem = inflate_start(packed, min(max_inflated, _MOST_HEADER)), error
    parsed = _parsed(memoryview(without_deflation(bytes(data[:at]), inflated)))
    parsed.dataset.file_meta.TransferSyntaxUID = UID(DEFLATED)
    return parsed if problem is None else DicomFile(parsed.dataset, (), problem)


class Reached(NamedTuple):
    """Where reading met pixels: their tag, VR, length as claimed, and where their value begins."""

    tag: int
    vr: str | None
    length: int
    place: int


def read_to_pixels(
    stream: BinaryIO, tags: list[BaseTag | int] | None = None
) -> tuple[FileDataset, Reached | None, list[int]]:
    """The elements up to the first pixel element (of these tags), where that is, and the tags met on the way."""
    reached: list[Reached] = []
    met: list[int] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in PIXEL_KEYWORDS:
            reached.append(Reached(int(tag), vr, length, stream.tell()))
            return True
        met.append(int(tag))
        return False

    # `force`: older files have no preamble; `sniff` has looked at their first element instead.
    dataset = read_partial(stream, at_pixels, force=True, specific_tags=tags)
    return dataset, reached[-1] if reached else None, met


def _parsed(data: memoryview) -> DicomFile:
    met: list[int] = []
    try:
        with as_record_error("an element of its header cannot be read"):
            dataset, reached, met = read_to_pixels(_stream(data))
            if not len(dataset) and len(met) > 1:
                raise RecordError(Status.UNREADABLE, _CUT)
    except RecordError as error:
        return DicomFile(_read_before_last(data), (), error)
    if reached is not None:
        return _with_pixels(dataset, reached, data)
    return DicomFile(dataset, (), RecordError(Status.UNREADABLE, _CUT) if _leaves_some(dataset, data) else None)


def _leaves_some(dataset: FileDataset, data: memoryview) -> bool:
    """Whether bytes that are too few for an element, and no padding, follow the last one."""
    last = list(raw_elements(dataset))[-1:]
    if not last or not isinstance(last[0], RawDataElement) or last[0].length == UNDEFINED_LENGTH:
        return False
    return any(data[last[0].value_tell + last[0].length :])


def _read_before_last(data: memoryview) -> FileDataset:
    """What stands before the element at which reading fails: pydicom gives up the elements that it has read."""
    last: list[BaseTag] = []

    def note(tag: BaseTag, vr: str | None, length: int) -> bool:
        last.append(tag)
        return False

    try:
        with as_record_error(""):
            read_partial(_stream(data), note, force=True)
    except RecordError:
        pass
    return read_partial(_stream(data), lambda tag, vr, length: tag == last[-1] if last else True, force=True)


def _with_pixels(dataset: FileDataset, reached: Reached, data: memoryview) -> DicomFile:
    wrapped = reached.length == UNDEFINED_LENGTH
    rest = data[reached.place :]
    length, whole = reached.length, reached.length <= len(rest)
    if wrapped:
        fragments = read_fragments(rest)
        length, whole = fragments.end, fragments.delimited
    first = Pixels(PIXEL_KEYWORDS[reached.tag], reached.vr, rest[:length], wrapped, whole)
    others = _read_behind(dataset, rest[length:])
    return DicomFile(dataset, (first, *others))


def _read_behind(dataset: FileDataset, rest: memoryview) -> list[Pixels]:
    """Add the elements behind the pixels, unless something is wrong with them; other pixels among them."""
    others: list[Pixels] = []
    try:
        with as_record_error(""):
            implicit, little = dataset.original_encoding
            behind = read_dataset(cast("BinaryIO", MemoryStream(rest)), bool(implicit), bool(little))
            for element in raw_elements(behind):
                keyword = PIXEL_KEYWORDS.get(int(element.tag))
                if keyword is not None:
                    others.append(Pixels(keyword, None, memoryview(b"")))
                elif element.tag not in dataset:
                    dataset[element.tag] = element
    except RecordError:
        # Nothing of the image stands there.
        pass
    return others


def _stream(data: memoryview) -> BinaryIO:
    return cast("BinaryIO", MemoryStream(data))


def deflated_dataset(data: bytes | memoryview) -> int | None:
    """Where the dataset of a file in the deflated transfer syntax starts (PS3.5 A.5); None for any other file.

    pydicom inflates without a bound, so this must find every file that it would inflate: hence its own reader.
    """
    stream = MemoryStream(data)
    stream.seek(PREFIX_END if data[128:PREFIX_END] == b"DICM" else 0)
    meta = _read_file_meta_info(cast("BinaryIO", stream))
    return stream.tell() if meta.get("TransferSyntaxUID") == DEFLATED else None


def without_deflation(meta: bytes, dataset: bytes) -> bytes:
    """The same file in explicit VR little endian; UIDs may be padded with NUL, so that no length changes."""
    return meta.replace(DEFLATED.encode(), EXPLICIT_LITTLE.encode().ljust(len(DEFLATED), b"\0")) + dataset


def transfer_syntax_of(parsed: DicomFile) -> str:
    """Its UID. A file that names none is taken as what it was found to be encoded in, if its pixels are not wrapped.

    Sets the found UID in the file's meta information, where pydicom looks for it. Raises RecordError.
    """
    dataset = parsed.dataset
    with as_record_error("its meta information cannot be read"):
        named = dataset.file_meta.get("TransferSyntaxUID")
        if named:
            return str(named)
        if any(pixels.wrapped for pixels in parsed.found):
            raise RecordError(Status.UNSUPPORTED, "its pixels are compressed and it names no transfer syntax")
        implicit, little = dataset.original_encoding
        found = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
        dataset.file_meta.TransferSyntaxUID = UID(found)
        return found


def is_cut(dataset: FileDataset) -> bool:
    """Whether an element claims more bytes than the file had left for it."""
    return any(
        element.value is not None and element.length != UNDEFINED_LENGTH and len(element.value) < element.length
        for element in raw_elements(dataset)
        if isinstance(element, RawDataElement)
    )


def raw_elements(dataset: Dataset) -> Iterator[RawDataElement | DataElement]:
    """The top-level elements as they were read: converting all would fail on the one that nobody asked for."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag, keep_deferred=True)
        if element is not None:
            yield element
