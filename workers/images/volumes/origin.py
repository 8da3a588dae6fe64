"""What files that are made of a DICOM series share with it, from the headers of its slices as text."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from workers.images.volumes.outputs.marked import DicomSource, SourceSlice, Study

Header = Mapping[str, str | None]

_KEYWORDS = {
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "frame_of_reference": "FrameOfReferenceUID",
    "modality": "Modality",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "study_id": "StudyID",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "series_date": "SeriesDate",
    "series_time": "SeriesTime",
    "accession_number": "AccessionNumber",
    "referring_physician": "ReferringPhysicianName",
    "series_description": "SeriesDescription",
    "position_reference": "PositionReferenceIndicator",
}
NAMES = ("SOPInstanceUID", "SOPClassUID", "NumberOfFrames", *_KEYWORDS.values())
"""The attributes that are read of every slice's object."""


def source_of(headers: Sequence[Header], frames: Sequence[int]) -> DicomSource | None:
    """`headers` and `frames` of every slice along k; None where an object does not say which it is."""
    if any(not header.get(name) for header in headers for name in ("SOPInstanceUID", "SOPClassUID")):
        return None
    first = headers[0]
    study = Study(**{field.name: first.get(_KEYWORDS[field.name]) or "" for field in fields(Study)})
    slices = (
        SourceSlice(
            header["SOPInstanceUID"] or "",
            header["SOPClassUID"] or "",
            frame if int(header.get("NumberOfFrames") or 1) > 1 else None,
        )
        for header, frame in zip(headers, frames, strict=True)
    )
    return DicomSource(study, tuple(slices))
