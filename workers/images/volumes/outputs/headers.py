"""Headers of DICOM objects that are made of a series: patient, study and geometry as their source has them."""

import numpy as np
from pydicom import DataElement, Dataset, config
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import DSfloat

from workers.contract import Array
from workers.images.volumes.outputs.identity import frame_of_reference, made_on, study_uid
from workers.images.volumes.outputs.marked import DicomSource, Origin
from workers.images.volumes.volume import Grid

CT = "1.2.840.10008.5.1.4.1.1.2"
"""What the source slices are called while highdicom looks at them: by their true class it would ask for what an object
of many frames has, and here every slice is one."""

_UTF_8 = "ISO_IR 192"
_LPS = np.array([-1.0, -1.0, 1.0])


def to_lps(grid: Grid, indices: Array) -> Array:
    """Places of (n, 3) indices in DICOM's patient coordinates, millimetres."""
    placed: Array = (indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]) * _LPS
    return placed


def source_headers(grid: Grid) -> list[Dataset]:
    """What highdicom has to know of each slice along k, as the header of an object of its own.

    Positions and directions are those of the grid, which are one for all slices: headers differ in the last digits.
    All UIDs are stand-ins, the SOPInstanceUID for the slice's number: true ones, which may be malformed, would stand in
    warnings.
    """
    shared = Dataset()
    shared.StudyInstanceUID = shared.SeriesInstanceUID = shared.FrameOfReferenceUID = stand_in(0)
    shared.SOPClassUID = CT
    shared.Modality = "OT"
    shared.Columns, shared.Rows = grid.shape[:2]
    for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
        setattr(shared, name, "")
    shared.StudyDate = shared.StudyTime = None
    directions = (grid.affine[:3, :3] / grid.spacing * _LPS[:, None]).T
    normal = np.cross(directions[0], directions[1])
    apart = abs(float(normal @ (grid.affine[:3, 2] * _LPS)))
    shared.ImageOrientationPatient = [_number(value) for value in directions[:2].ravel()]
    shared.PixelSpacing = [_number(grid.spacing[1]), _number(grid.spacing[0])]
    shared.SliceThickness = shared.SpacingBetweenSlices = _number(apart)
    places = to_lps(grid, np.array([[0, 0, k] for k in range(grid.shape[2])], dtype=np.float64))
    return [_slice(shared, number, place) for number, place in enumerate(places)]


def _slice(shared: Dataset, number: int, place: Array) -> Dataset:
    header = Dataset()
    header.update(shared)
    header.SOPInstanceUID = stand_in(number)
    header.ImagePositionPatient = [_number(value) for value in place]
    return header


def stand_in(number: int) -> str:
    """The UID that stands for a slice while highdicom works."""
    return f"2.25.{number}"


def slice_number(uid: str) -> int:
    """The slice that a `stand_in` stands for."""
    return int(uid.removeprefix("2.25."))


def _number(value: float) -> DSfloat:
    # Without the minus of zero, which some readers take for text.
    return DSfloat(float(value) + 0.0, auto_format=True)


def put(made: Dataset, **values: str) -> None:
    """Set attributes to what the source has. Archives have values that the standard forbids: they stay as they are, and
    stand in no warning."""
    for keyword, value in values.items():
        made.add(DataElement(keyword, dictionary_VR(keyword), value, validation_mode=config.IGNORE))


def add_identity(made: Dataset, origin: Origin, source: DicomSource) -> None:
    """Patient and study as the source has them, whatever characters they are in; dates that are the same every time."""
    study = source.study
    made.SpecificCharacterSet = _UTF_8
    put(
        made,
        PatientID=study.patient_id,
        PatientName=study.patient_name,
        PatientBirthDate=study.birth_date,
        PatientSex=study.sex,
        StudyInstanceUID=study_uid(origin, source),
        StudyID=study.study_id,
        StudyDate=study.study_date,
        StudyTime=study.study_time,
        AccessionNumber=study.accession_number,
        ReferringPhysicianName=study.referring_physician,
        FrameOfReferenceUID=frame_of_reference(source),
        PositionReferenceIndicator=study.position_reference,
    )
    date, time = made_on(source)
    made.InstanceCreationDate, made.InstanceCreationTime = date, time
    made.SeriesDate, made.SeriesTime = date, time
