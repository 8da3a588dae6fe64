"""The header of one DICOM object to the facts of its slices; no pixel is read."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import IO, cast

from pydicom import Dataset

from cluster.storage import ErrorLatchingReader
from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.images.decoding.bounds import check_pixels
from workers.images.decoding.dicom_file import transfer_syntax_of
from workers.images.decoding.dicom_headers import DicomHeader, read_dicom_header
from workers.images.decoding.fence import as_record_error
from workers.images.decoding.headers import PIXEL_MODULE_TAGS, described_pixels, open_image
from workers.images.decoding.identifiers import attribute_tag
from workers.images.decoding.pixel_module import PixelModule
from workers.images.decoding.transfer_syntax import decoder_status
from workers.images.series.attributes import PLACING_TAGS, SEQUENCES, number, numbers, text, texts, value, whole
from workers.images.series.decoded_size import slice_bytes
from workers.images.series.facts import SliceFacts, Vector3
from workers.images.series.frames import frames_of
from workers.images.series.grid import GRID_TAGS, is_grid, parts_of
from workers.images.series.mosaic import MOSAIC_TAGS, is_mosaic, tiles_of
from workers.images.series.traits import TRAIT_TAGS, traits_of
from workers.images.settings import ImagesInput

_MOST_FRAMES = 100_000


def read_facts(reader: IO[bytes], settings: ImagesInput, key: str, attributes: Iterable[str] = ()) -> list[SliceFacts]:
    """One entry for each slice of the object at `key`: a frame, or a tile of a mosaic.

    `attributes` (keywords, or eight hex digits) come along in `extra`, from the frame's functional groups if they stand
    there. Where a header says to which series its object belongs, but its pixels cannot be read, the facts bear that as
    their `fault`, so that the volume is known to lack them.

    Raises RecordError: no_pixels, too_large, unreadable, unsupported (no DICOM); InfrastructureError or ObjectError
    where the reader did.
    """
    watched = ErrorLatchingReader(reader)
    try:
        return _read(cast(IO[bytes], watched), settings, key, tuple(attributes))
    finally:
        watched.raise_failure()


def _read(reader: IO[bytes], settings: ImagesInput, key: str, attributes: Sequence[str]) -> list[SliceFacts]:
    reader, size, kind = open_image(reader, settings)
    if kind != "dicom":
        raise RecordError(Status.UNSUPPORTED, f"slices of a series are DICOM objects, and this is {kind}")
    header = read_dicom_header(reader, size, settings.max_inflated, _tags(attributes))
    dataset: Dataset = header.parsed.dataset
    if header.pixels is None and header.problem is None:
        raise RecordError(Status.NO_PIXELS, "a DICOM object without an image")
    try:
        module, fault = _checked(header, settings)
    except RecordError as error:
        if not _is_of_a_series(dataset):
            raise
        return [_broken(dataset, key, attributes, Fault(error.status, error.detail))]
    if module.frames > _MOST_FRAMES:
        raise RecordError(Status.TOO_LARGE, f"it has more than {_MOST_FRAMES} frames")
    with as_record_error("its description of slices cannot be read"):
        return [replace(facts, fault=fault) for facts in _slices(dataset, module, key, attributes)]


def _is_of_a_series(dataset: Dataset) -> bool:
    """Whether it was a slice: a plan or a report that was cut off has nothing to do with the images of its series."""
    return text(dataset, "SeriesInstanceUID") is not None and (
        "ImagePositionPatient" in dataset or whole(dataset, "Rows") is not None
    )


def _checked(header: DicomHeader, settings: ImagesInput) -> tuple[PixelModule, Fault | None]:
    """How pixels are stored, and why they cannot be decoded all the same.

    Raises RecordError where not even their size is known.
    """
    if header.problem is not None or header.pixels is None:
        raise header.problem or RecordError(Status.NO_PIXELS, "a DICOM object without an image")
    module = described_pixels(header, header.pixels)
    status = decoder_status(transfer_syntax_of(header.parsed))
    if not status.available:
        return module, Fault(Status.UNSUPPORTED, f"{status.name}: {status.remedy}")
    if not header.pixels.whole:
        return module, Fault(Status.UNREADABLE, "its pixels are cut off")
    try:
        check_pixels(module.rows, module.columns, module.channels, 1, settings.max_pixels)
    except RecordError as error:
        return module, Fault(error.status, error.detail)
    return module, None


def _tags(attributes: Iterable[str]) -> list[int]:
    """What is read of a header; sequences are, whole, only where they hold what a frame has."""
    asked = [tag for tag in map(attribute_tag, attributes) if tag is not None]
    return [*PIXEL_MODULE_TAGS, *PLACING_TAGS, *TRAIT_TAGS, *SEQUENCES, *MOSAIC_TAGS, *GRID_TAGS, *asked]


def _slices(dataset: Dataset, module: PixelModule, key: str, attributes: Sequence[str]) -> list[SliceFacts]:
    if is_mosaic(dataset):
        frame = _facts(dataset, key, 0, attributes, module)
        return tiles_of(frame, dataset)
    if is_grid(dataset):
        return parts_of(_facts(dataset, key, 0, attributes, module), dataset)
    return [
        _facts(frame, key, index, attributes, module) for index, frame in enumerate(frames_of(dataset, module.frames))
    ]


def _facts(frame: Dataset, key: str, index: int, attributes: Sequence[str], module: PixelModule | None) -> SliceFacts:
    spacing, position = numbers(frame, "PixelSpacing", 2), numbers(frame, "ImagePositionPatient", 3)
    return SliceFacts(
        key=key,
        frame=index,
        series_uid=text(frame, "SeriesInstanceUID"),
        study_uid=text(frame, "StudyInstanceUID"),
        frame_of_reference=text(frame, "FrameOfReferenceUID"),
        sop_uid=text(frame, "SOPInstanceUID"),
        sop_class=text(frame, "SOPClassUID"),
        modality=text(frame, "Modality"),
        rows=module.rows if module else whole(frame, "Rows") or 0,
        columns=module.columns if module else whole(frame, "Columns") or 0,
        samples=module.channels if module else whole(frame, "SamplesPerPixel") or 1,
        pixel_spacing=(spacing[0], spacing[1]) if spacing else None,
        orientation=_orientation(frame),
        position=(position[0], position[1], position[2]) if position else None,
        thickness=number(frame, "SliceThickness"),
        instance_number=whole(frame, "InstanceNumber"),
        image_type=texts(frame, "ImageType"),
        subject=text(frame, "PatientID"),
        extra={**traits_of(frame), **{name: value(frame, name) for name in attributes}},
        decoded_bytes=slice_bytes(frame, module) if module else 0,
    )


def _broken(dataset: Dataset, key: str, attributes: Sequence[str], fault: Fault) -> SliceFacts:
    """What can be told of an object whose pixels are not even described."""
    with as_record_error("its description of slices cannot be read"):
        return replace(_facts(dataset, key, 0, attributes, None), fault=fault)


def _orientation(frame: Dataset) -> tuple[Vector3, Vector3] | None:
    found = numbers(frame, "ImageOrientationPatient", 6)
    return ((found[0], found[1], found[2]), (found[3], found[4], found[5])) if found else None
