"""Masks as DICOM-SEG: the same voxels on the same source slices for highdicom and for plain arithmetic."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.marked_volumes import CT, affine, card, marked, origin, planted, tilted, turns
from workers.images.volumes.outputs.marked import DicomSource, Marked, Origin, SourceSlice, Study
from workers.images.volumes.outputs.seg import seg_of
from workers.images.volumes.outputs.settings import MaskKind, SegType, Wanted
from workers.images.volumes.outputs.values import values_of

KINDS: tuple[SegType, ...] = ("binary", "labelmap")
ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1"


def made(volume: Marked, kind: SegType, whose: Origin | None = None, model: Any = None) -> bytes:
    body = seg_of(model or card(), volume, whose or origin(volume.grid.shape[2]), kind)
    assert body is not None
    return body


def placed(body: bytes) -> dict[tuple[int, ...], set[int]]:
    """Segments by tenths of a millimetre in the patient, by PS3.3 C.7.6.2.1.1 alone."""
    read = pydicom.dcmread(io.BytesIO(body))
    shared = read.SharedFunctionalGroupsSequence[0]
    along_row, along_column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient).reshape(2, 3)
    between_rows, between_columns = shared.PixelMeasuresSequence[0].PixelSpacing
    found: dict[tuple[int, ...], set[int]] = {}
    for frame, item in zip(read.pixel_array, read.PerFrameFunctionalGroupsSequence, strict=True):
        corner = np.array(item.PlanePositionSequence[0].ImagePositionPatient)
        for row, column in np.argwhere(frame):
            place = corner + along_row * between_columns * column + along_column * between_rows * row
            number = int(frame[row, column])
            if "SegmentIdentificationSequence" in item:
                number = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            found.setdefault(tuple(np.round(place * 10).astype(int)), set()).add(number)
    return found


def expected(volume: Marked) -> dict[tuple[int, ...], set[int]]:
    assert volume.labels is not None
    at = np.argwhere(volume.labels)
    places = (at @ volume.grid.affine[:3, :3].T + volume.grid.affine[:3, 3]) * (-1, -1, 1)
    labels = volume.labels[tuple(at.T)]
    return {tuple(one): {int(label)} for one, label in zip(np.round(places * 10).astype(int), labels, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turn", turns())
def test_each_of_48_orientations_comes_back_to_the_same_places(turn: NDArray[np.float64], kind: SegType) -> None:
    # Axes of different lengths, and no frame of a multiple of 8 bits.
    volume, model = marked(planted(shape=(7, 5, 3), count=2), affine(turn)), card(("liver", "spleen"))
    body = made(volume, kind, model=model)
    assert placed(body) == expected(volume)
    read = hd.seg.segread(io.BytesIO(body))
    uids = [one.sop_uid for one in origin(3).source.slices]
    frames = read.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True, relabel=False
    )
    assert np.array_equal(frames, volume.labels.T)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tilted_series_comes_back_to_the_same_places(kind: SegType) -> None:
    volume = marked(planted(shape=(11, 9, 7)), tilted())
    assert placed(made(volume, kind)) == expected(volume)


def test_highdicom_sees_the_grid_as_a_volume_where_slices_lie_behind_each_other() -> None:
    volume = marked(planted(), affine(np.diag([-1.0, -1.0, 1.0])))
    found = hd.seg.segread(io.BytesIO(made(volume, "labelmap"))).get_volume(combine_segments=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.grid.affine
    for index in np.argwhere(planted())[::100]:
        at = np.round(np.linalg.inv(found.affine) @ lps @ [*index, 1]).astype(int)[:3]
        assert found.array[tuple(at)] == planted()[tuple(index)]


def test_every_frame_refers_to_its_slice_and_the_whole_to_all() -> None:
    read = pydicom.dcmread(io.BytesIO(made(marked(planted()), "binary")))
    for item in read.PerFrameFunctionalGroupsSequence:
        (reference,) = item.DerivationImageSequence[0].SourceImageSequence
        number = int(str(reference.ReferencedSOPInstanceUID).rsplit(".", 1)[1]) - 1
        z = 612.75 + 2.5 * number
        assert float(item.PlanePositionSequence[0].ImagePositionPatient[2]) == pytest.approx(z)
        assert reference.SpatialLocationsPreserved == "YES"
    assert len(read.SourceImageSequence) == 17
    (series,) = read.ReferencedSeriesSequence
    assert (series.SeriesInstanceUID, len(series.ReferencedInstanceSequence)) == ("1.2.826.0.1.3680043.10.511.2", 17)


def sliced(whose: Origin, *slices: SourceSlice) -> Origin:
    assert whose.source is not None
    return dataclasses.replace(whose, source=dataclasses.replace(whose.source, slices=slices))


def test_frames_of_an_enhanced_object_are_referred_to_by_number() -> None:
    whose = sliced(origin(17), *(SourceSlice("1.2.3", ENHANCED, 100 - n) for n in range(17)))
    read = pydicom.dcmread(io.BytesIO(made(marked(planted()), "binary", whose)))
    found = set()
    for item in read.PerFrameFunctionalGroupsSequence:
        (reference,) = item.DerivationImageSequence[0].SourceImageSequence
        slice_number = round((float(item.PlanePositionSequence[0].ImagePositionPatient[2]) - 612.75) / 2.5)
        assert reference.ReferencedFrameNumber == 101 - slice_number
        found.add((reference.ReferencedSOPInstanceUID, reference.ReferencedSOPClassUID))
    assert found == {("1.2.3", ENHANCED)}
    assert len(read.SourceImageSequence) == 1


def test_slices_of_a_mosaic_do_not_lie_where_its_pixels_do() -> None:
    whose = sliced(origin(17), *(SourceSlice("1.2.3", "1.2.840.10008.5.1.4.1.1.4") for _ in range(17)))
    read = pydicom.dcmread(io.BytesIO(made(marked(planted()), "labelmap", whose)))
    (reference,) = read.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence
    assert (reference.SpatialLocationsPreserved, "ReferencedFrameNumber" in reference) == ("NO", False)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_are_the_same_every_time_and_other_uids_belong_to_another_run_model_or_volume(kind: SegType) -> None:
    volume = marked(planted())
    assert made(volume, kind) == made(volume, kind)
    changes = ({"fingerprint": "ef" * 32}, {"model": "vessels"}, {"volume_id": "series-2"}, {})
    uids = {str(pydicom.dcmread(io.BytesIO(made(volume, kind, origin(17, **one)))).SOPInstanceUID) for one in changes}
    assert len(uids) == 4
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)


def test_codes_are_the_models_own_or_of_the_table_or_private() -> None:
    read = pydicom.dcmread(io.BytesIO(made(marked(planted()), "binary", model=card((*"abc", "left_kidney")))))
    private, kidney = read.SegmentSequence[0], read.SegmentSequence[3]
    (kind,) = private.SegmentedPropertyTypeCodeSequence
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("a", "99WARDROUND")
    (kind,) = kidney.SegmentedPropertyTypeCodeSequence
    assert (kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning) == ("64033007", "SCT", "Kidney")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "7771000"
    assert (kidney.SegmentLabel, kidney.SegmentNumber, kidney.SegmentAlgorithmType) == ("left_kidney", 4, "AUTOMATIC")


@pytest.mark.parametrize("kind", KINDS)
def test_segments_are_numbered_by_the_model_whatever_its_labels_are(kind: SegType) -> None:
    model = card()
    labels = {1: 7, 2: 300, 3: 2, 4: 900}
    structures = [one.model_copy(update={"label": labels[one.label]}) for one in model.structures]
    moved = np.zeros(901, np.uint16)
    moved[list(labels)] = list(labels.values())
    volume = marked(planted())
    other = dataclasses.replace(volume, labels=moved[planted()])
    body = made(other, kind, model=model.model_copy(update={"structures": tuple(structures)}))
    assert placed(body) == expected(volume)


def test_structures_that_overlap_share_voxels() -> None:
    masks = {name: planted(seed) > 0 for seed, name in enumerate(("liver", "spleen", "left_kidney", "lesion"))}
    volume = dataclasses.replace(marked(planted()), labels=None, masks=masks)
    body = made(volume, "binary", model=card(activation="sigmoid"))
    found = placed(body)
    for number, mask in enumerate(masks.values(), 1):
        alone = expected(dataclasses.replace(volume, labels=mask.astype(np.uint8)))
        assert {place for place, numbers in found.items() if number in numbers} == set(alone)
    assert pydicom.dcmread(io.BytesIO(body)).SegmentsOverlap == "YES"


def test_nothing_marked_is_no_object() -> None:
    assert seg_of(card(), marked(np.zeros_like(planted())), origin(17), "binary") is None


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("kind", ["dicom_seg", "rtstruct"])
def test_patients_with_any_letters_and_odd_attributes_stay_as_they_are_and_stand_in_no_warning(kind: MaskKind) -> None:
    study = Study(
        study_uid="1.2.03.x", series_uid="9" * 70, patient_id="P 1", patient_name="Müller^Jürgen=山田^太郎",
        birth_date="not known", sex="X", study_date="2024.02.29", study_time="9:00", modality="MR",
        accession_number="0" * 40, frame_of_reference="none",
    )  # fmt: skip
    whose = dataclasses.replace(
        origin(17), source=DicomSource(study, tuple(SourceSlice(f"0{n}.x", CT) for n in range(17)))
    )
    values = [
        values_of(card(), Wanted(masks=(kind,)), marked(planted()), whose).values[f"mask_{kind}"] for _ in range(2)
    ]
    assert values[0] == values[1]
    read = pydicom.dcmread(io.BytesIO(values[0]))
    with pydicom.config.disable_value_validation():
        assert (read.PatientName, read.PatientSex, read.StudyDate) == (study.patient_name, "X", "2024.02.29")
        assert (read.StudyInstanceUID, read.FrameOfReferenceUID) == ("1.2.03.x", "none")
        assert (read.SeriesDate, read.SeriesTime) == ("19000101", "000000")


def test_a_series_without_a_frame_of_reference_has_one_of_its_own_in_all_that_is_made_of_it() -> None:
    whose = origin(17)
    assert whose.source is not None
    study = dataclasses.replace(whose.source.study, frame_of_reference="")
    first = dataclasses.replace(whose, source=dataclasses.replace(whose.source, study=study))
    second = dataclasses.replace(first, model="vessels")
    uids = [
        pydicom.dcmread(io.BytesIO(made(marked(planted()), "binary", one))).FrameOfReferenceUID
        for one in (first, second)
    ]
    assert uids[0] == uids[1]
    assert uids[0].is_valid


def test_a_volume_of_no_dicom_or_of_slices_without_uids_has_no_seg() -> None:
    for whose in (origin(17, source=None), sliced(origin(17), *(SourceSlice("", "") for _ in range(17)))):
        with pytest.raises(RecordError, match="ask for nifti") as told:
            seg_of(card(), marked(planted()), whose, "binary")
        assert told.value.status == Status.UNSUPPORTED
