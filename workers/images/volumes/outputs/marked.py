"""What a model marked in one volume, and all else that its outputs are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.contract import Array
from workers.images.volumes.volume import SCANNER, Grid, Space


@dataclass(frozen=True)
class Marked:
    """What a model marked, on the grid that the volume was read from: never on the one that the network saw.

    `labels` (i, j, k), uint8 or uint16, hold 0 and the structures' labels. Of structures that may overlap they are
    None, and `masks` have (i, j, k) of bool, or of 0 and 1 in uint8, for each structure, by its name. `intensities`
    (i, j, k) are those of the volume as it was read, of any real type; of several channels those of the first.
    """

    grid: Grid
    intensities: Array
    labels: Array | None = None
    masks: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceSlice:
    """The DICOM object that a slice was read from; `frame` counts from 0, None in an object that has one frame."""

    sop_uid: str
    sop_class: str
    frame: int | None = None


@dataclass(frozen=True)
class Study:
    """Attributes that a DICOM object made of a series shares with it, as its first slice has them; empty: it has none.

    A DICOM-SEG or RTSTRUCT belongs to the same patient and study, and is a series of its own.
    """

    study_uid: str
    series_uid: str
    frame_of_reference: str = ""
    modality: str = ""
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    study_id: str = ""
    study_date: str = ""
    study_time: str = ""
    series_date: str = ""
    series_time: str = ""
    accession_number: str = ""
    referring_physician: str = ""
    series_description: str = ""
    position_reference: str = ""
    """PositionReferenceIndicator, of the frame of reference."""


@dataclass(frozen=True)
class DicomSource:
    """The DICOM objects of one volume: a slice for every index along k, in that order."""

    study: Study
    slices: tuple[SourceSlice, ...]


@dataclass(frozen=True)
class Origin:
    """What made the outputs and of what: the same on every worker, so that files have the same bytes whoever writes.

    `fingerprint` is that of the run, `model` the model's name in it, `model_sha256` the digest of its directory.
    `source` is None for a volume that was read from a file of three axes, of which there is no DICOM-SEG.
    `space` is that of the NIfTI file that the volume was read from, of all others the scanner's.
    """

    volume_id: str
    fingerprint: str
    model: str
    model_sha256: str
    source: DicomSource | None = None
    space: Space = SCANNER
