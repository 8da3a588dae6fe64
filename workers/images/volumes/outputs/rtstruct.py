"""What is marked as contours in a DICOM RT Structure Set.

Format: PS3.3 A.19.3 and C.8.8.5 to C.8.8.8. Contours lie in the planes of the source slices, one ROI a structure.
"""

import io
import math
from collections.abc import Iterator, Mapping

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ExplicitVRLittleEndian

from workers.contract import Array
from workers.images.volumes.card import Structure, VolumeCard
from workers.images.volumes.outputs.codes import coded
from workers.images.volumes.outputs.colours import colour_of
from workers.images.volumes.outputs.contours import outlines
from workers.images.volumes.outputs.headers import add_identity, put, to_lps
from workers.images.volumes.outputs.identity import frame_of_reference, made_uid, series_uid, study_uid
from workers.images.volumes.outputs.marked import DicomSource, Marked, Origin
from workers.images.volumes.outputs.measures import Measures
from workers.images.volumes.outputs.seg import concept, dicom_source, references
from workers.images.volumes.volume import Grid

_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management, retired, which the standard still has here."""


def rtstruct_of(card: VolumeCard, marked: Marked, origin: Origin, measures: Mapping[str, Measures]) -> bytes | None:
    """The whole file; None where nothing is marked. Structures that are absent have an ROI without contours.

    `measures` are those of the structures, by their names.

    Raises RecordError (unsupported) for a volume that was read from no DICOM objects or from objects without UIDs.
    """
    source = dicom_source(origin, "an RTSTRUCT")
    contours = [list(_contours(one, marked, source, measures[one.name])) for one in card.structures]
    if not any(contours):
        return None
    made = _header(origin, source)
    made.StructureSetROISequence = [_roi(number, one, made) for number, one in enumerate(card.structures, 1)]
    made.ROIContourSequence = [_drawn(number, found) for number, found in enumerate(contours, 1)]
    made.RTROIObservationsSequence = [_observed(number, one) for number, one in enumerate(card.structures, 1)]
    body = io.BytesIO()
    made.save_as(body, enforce_file_format=True)
    return body.getvalue()


def _header(origin: Origin, source: DicomSource) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    made.SOPClassUID, made.SOPInstanceUID = _SOP_CLASS, made_uid(origin, "RTSTRUCT")
    made.SeriesInstanceUID, made.SeriesNumber = made_uid(origin, "series of RTSTRUCT"), 9001
    made.Modality, made.OperatorsName = "RTSTRUCT", ""
    made.Manufacturer, made.ManufacturerModelName = "wardround", origin.model[:64]
    made.SoftwareVersions, made.DeviceSerialNumber = origin.model_sha256[:64], origin.fingerprint[:64]
    add_identity(made, origin, source)
    made.SeriesDescription = f"wardround {origin.model}"[:64]
    made.StructureSetLabel, made.ApprovalStatus = "wardround", "UNAPPROVED"
    made.StructureSetDate, made.StructureSetTime = made.SeriesDate, made.SeriesTime
    made.ReferencedFrameOfReferenceSequence = [_referred(origin, source)]
    return made


def _referred(origin: Origin, source: DicomSource) -> Dataset:
    series, study, frame = Dataset(), Dataset(), Dataset()
    put(series, SeriesInstanceUID=series_uid(origin, source))
    series.ContourImageSequence = references(source)
    put(study, ReferencedSOPClassUID=_STUDY_CLASS, ReferencedSOPInstanceUID=study_uid(origin, source))
    study.RTReferencedSeriesSequence = [series]
    put(frame, FrameOfReferenceUID=frame_of_reference(source))
    frame.RTReferencedStudySequence = [study]
    return frame


def _roi(number: int, structure: Structure, made: Dataset) -> Dataset:
    found = Dataset()
    found.ROINumber, found.ROIName, found.ROIGenerationAlgorithm = number, structure.name[:64], "AUTOMATIC"
    put(found, ReferencedFrameOfReferenceUID=made.FrameOfReferenceUID)
    return found


def _observed(number: int, structure: Structure) -> Dataset:
    found = Dataset()
    found.ObservationNumber = found.ReferencedROINumber = number
    found.RTROIInterpretedType, found.ROIInterpreter = "", ""
    found.RTROIIdentificationCodeSequence = [concept(coded(structure).kind)]
    return found


def _drawn(number: int, contours: list[Dataset]) -> Dataset:
    found = Dataset()
    found.ReferencedROINumber, found.ROIDisplayColor = number, list(colour_of(number))
    if contours:
        found.ContourSequence = contours
    return found


def _contours(structure: Structure, marked: Marked, source: DicomSource, measures: Measures) -> Iterator[Dataset]:
    if not measures["voxels"]:
        return
    i, j = (slice(measures[f"{axis}_first"], measures[f"{axis}_last"] + 1) for axis in "ij")
    for k in range(measures["k_first"], measures["k_last"] + 1):
        mask = (
            marked.masks[structure.name][i, j, k]
            if marked.labels is None
            else marked.labels[i, j, k] == structure.label
        )
        for polygon in outlines(mask.T):
            points = np.column_stack([polygon[:, ::-1] + (i.start, j.start), np.full(len(polygon), k)])
            yield _contour(to_lps(marked.grid, points), k, source, digits_of(marked.grid))


def digits_of(grid: Grid) -> int:
    """Decimals of a millimetre that say a place within a hundredth of a pixel; three at least, seven at most, as a
    number of text (DS) has 16 characters."""
    return min(7, max(3, 2 - math.floor(math.log10(min(grid.spacing)))))


def _contour(points: Array, k: int, source: DicomSource, digits: int) -> Dataset:
    one, image, found = source.slices[k], Dataset(), Dataset()
    put(image, ReferencedSOPClassUID=one.sop_class, ReferencedSOPInstanceUID=one.sop_uid)
    if one.frame is not None:
        image.ReferencedFrameNumber = one.frame + 1
    found.ContourImageSequence = [image]
    found.ContourGeometricType, found.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
    text = "\\".join([f"{value + 0.0:.{digits}f}" for value in points.ravel()]).encode()
    text += b" " * (len(text) % 2)
    # As it will be written: pydicom would make an object of each number.
    tag = Tag(0x3006, 0x0050)
    found[tag] = RawDataElement(tag, "DS", len(text), text, 0, False, True)
    return found
