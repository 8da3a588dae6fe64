"""What is marked as a DICOM Segmentation object, written with highdicom.

Format: PS3.3 A.51 (SEG) and C.8.20. A frame lies exactly where its source slice lies, and refers to it by its
SOPInstanceUID (and frame number). A segment's number is its structure's place in the model; segments that occur nowhere
are described too, so that a number means the same in every object of a run.
"""

import io
from collections.abc import Mapping, Sequence

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Array
from workers.images.volumes.card import Code, Structure, VolumeCard
from workers.images.volumes.outputs.codes import Coded, coded
from workers.images.volumes.outputs.headers import add_identity, put, slice_number, source_headers
from workers.images.volumes.outputs.identity import made_uid, series_uid
from workers.images.volumes.outputs.marked import DicomSource, Marked, Origin, SourceSlice
from workers.images.volumes.outputs.settings import SegType
from workers.images.volumes.volume import Grid

_FAMILY = hd.sr.CodedConcept("123109", "DCM", "Artificial Intelligence")
_MOST = 2**32 - 2
"""Bytes that the pixels of one object can have."""


def seg_of(card: VolumeCard, marked: Marked, origin: Origin, kind: SegType) -> bytes | None:
    """The whole file; None where nothing is marked, since an object without a frame is none.

    Raises RecordError (unsupported) for a volume that was read from no DICOM objects or from objects without UIDs,
    too_large where the pixels are more than one object can hold.
    """
    source = dicom_source(origin, "a DICOM-SEG")
    pixels = _pixels(card, marked, kind)
    if not pixels.any():
        return None
    made = _written(card, marked.grid, pixels, origin, kind)
    if len(made.PixelData) > _MOST:
        raise RecordError(Status.TOO_LARGE, "its DICOM-SEG would have more than 4 GB of pixels: ask for nifti")
    add_identity(made, origin, source)
    made.SeriesDescription = f"wardround {origin.model}"[:64]
    made.ContentDate, made.ContentTime = made.SeriesDate, made.SeriesTime
    _fix_what_differs(made, origin)
    _refer(made, origin, source)
    if kind == "labelmap":
        # Bits of a binary one cannot be compressed by a syntax that viewers read. gdcm, which comes first otherwise,
        # ends the whole process over frames of some sizes.
        made.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    body = io.BytesIO()
    made.save_as(body, enforce_file_format=True)
    return body.getvalue()


def dicom_source(origin: Origin, what: str) -> DicomSource:
    """The objects that a volume was read from. Raises RecordError (unsupported) where there are none to refer to."""
    if origin.source is None:
        raise RecordError(
            Status.UNSUPPORTED,
            f"{what} refers to a DICOM object or frame of each slice, and this volume has none: ask for nifti",
        )
    if not all(one.sop_uid and one.sop_class for one in origin.source.slices):
        raise RecordError(
            Status.UNSUPPORTED, f"{what} refers to each slice by its SOPInstanceUID, and some have none: ask for nifti"
        )
    return origin.source


def _pixels(card: VolumeCard, marked: Marked, kind: SegType) -> Array:
    """Frames along k, rows, columns, of segment numbers; where structures overlap with segments as the last axis."""
    if marked.labels is None:
        return np.stack([marked.masks[one.name].T.astype(np.uint8) for one in card.structures], axis=-1)
    numbers = np.zeros(max(one.label for one in card.structures) + 1, np.uint16)
    for number, one in enumerate(card.structures, 1):
        numbers[one.label] = number
    kind_of = np.uint8 if len(card.structures) < 256 else np.uint16
    if np.array_equal(numbers, np.arange(len(numbers))):
        return np.ascontiguousarray(marked.labels.T, dtype=kind_of)
    return numbers.astype(kind_of)[marked.labels.T]


def _written(card: VolumeCard, grid: Grid, pixels: Array, origin: Origin, kind: SegType) -> hd.seg.Segmentation:
    return hd.seg.Segmentation(
        source_images=source_headers(grid),
        pixel_array=pixels,
        segmentation_type=kind.upper(),
        segment_descriptions=_segments(card.structures, origin),
        series_instance_uid=made_uid(origin, "series of SEG"),
        series_number=9000,
        sop_instance_uid=made_uid(origin, f"SEG {kind}"),
        instance_number=1,
        manufacturer="wardround",
        manufacturer_model_name=origin.model[:64],
        software_versions=origin.model_sha256[:64],
        device_serial_number=origin.fingerprint[:64],
        content_label="SEGMENTATION",
        content_description=f"structures of {origin.model}"[:64],
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )


def _segments(structures: Sequence[Structure], origin: Origin) -> list[hd.seg.SegmentDescription]:
    by = hd.AlgorithmIdentificationSequence(name=origin.model[:64], family=_FAMILY, version=origin.model_sha256[:64])
    return [_segment(number, one, coded(one), by) for number, one in enumerate(structures, 1)]


def _segment(number: int, structure: Structure, what: Coded, by: Dataset) -> hd.seg.SegmentDescription:
    found = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=structure.name[:64],
        segmented_property_category=concept(what.category),
        segmented_property_type=concept(what.kind),
        algorithm_type="AUTOMATIC",
        algorithm_identification=by,
    )
    if what.side is not None:
        found.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [concept(what.side)]
    return found


def concept(code: Code) -> hd.sr.CodedConcept:
    """A code as DICOM has it; its meaning has 64 characters at most."""
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning[:64])


def _fix_what_differs(made: Dataset, origin: Origin) -> None:
    """Replace what highdicom takes from the clock and from chance."""
    for one in made.ContributingEquipmentSequence:
        one.ContributionDateTime = made.SeriesDate + made.SeriesTime
    organisation = made_uid(origin, "dimensions of SEG")
    for one in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        one.DimensionOrganizationUID = organisation


def _refer(made: Dataset, origin: Origin, source: DicomSource) -> None:
    """Every frame to its slice, and the whole to all objects of the volume."""
    shared = _share_an_object(source.slices)
    known: dict[str, Dataset] = {}
    for item in made.PerFrameFunctionalGroupsSequence:
        derived = item.DerivationImageSequence[0]
        (stands,) = derived.SourceImageSequence
        place = stands.ReferencedSOPInstanceUID
        if place not in known:
            one = source.slices[slice_number(place)]
            known[place] = _referring(stands, one, shared[one.sop_uid])
        derived.SourceImageSequence = [known[place]]
    made.SourceImageSequence = references(source)
    series = Dataset()
    put(series, SeriesInstanceUID=series_uid(origin, source))
    series.ReferencedInstanceSequence = references(source)
    made.ReferencedSeriesSequence = [series]


def _referring(stands: Dataset, one: SourceSlice, is_shared: bool) -> Dataset:
    found = Dataset()
    put(found, ReferencedSOPClassUID=one.sop_class, ReferencedSOPInstanceUID=one.sop_uid)
    found.PurposeOfReferenceCodeSequence = stands.PurposeOfReferenceCodeSequence
    # Of a mosaic: the slice is a part of its only frame.
    found.SpatialLocationsPreserved = "NO" if is_shared and one.frame is None else "YES"
    if one.frame is not None:
        found.ReferencedFrameNumber = one.frame + 1
    return found


def _share_an_object(slices: Sequence[SourceSlice]) -> Mapping[str, bool]:
    found: dict[str, bool] = {}
    for one in slices:
        found[one.sop_uid] = one.sop_uid in found
    return found


def references(source: DicomSource) -> list[Dataset]:
    """An item for each object of a volume, in the order of its slices."""
    found = []
    for uid, sop_class in dict.fromkeys((one.sop_uid, one.sop_class) for one in source.slices):
        item = Dataset()
        put(item, ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)
        found.append(item)
    return found
