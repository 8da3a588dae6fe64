"""Slices to volumes: the ordinary case, and what makes a series something else."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID

from tests.support.series import (
    ROOT,
    T1,
    changed,
    facts_of,
    made,
    matrix,
    only,
    real_slices,
    renamed,
    shifted,
    verdicts,
    volumes_of,
)
from workers.images.series.plan_volumes import plan_volumes


def _lps_to_ras(point: np.ndarray) -> np.ndarray:
    return point * np.array([-1.0, -1.0, 1.0])


def test_a_clean_series_is_one_volume_whose_affine_leads_to_each_pixel_as_dicom_has_it():
    slices = made()
    volume = only(volumes_of(slices))
    assert (volume.status, volume.shape) == (None, (5, 6, 8))
    assert volume.spacing == pytest.approx((0.75, 0.5, 2.0), abs=1e-4)
    for placed, slice_ in zip(volume.slices, slices, strict=True):
        vectors = np.array(slice_.ImageOrientationPatient, float)
        # PS3.3 C.7.6.2.1.1: along a row, columns lie the second of PixelSpacing apart.
        there = np.array(slice_.ImagePositionPatient, float) + vectors[:3] * 0.75 * 3 + vectors[3:] * 0.5 * 4
        assert matrix(volume) @ [3, 4, placed.index, 1] == pytest.approx([*_lps_to_ras(there), 1], abs=1e-4)


def test_the_order_of_the_objects_does_not_matter():
    slices = [*made(), *made(series=f"{ROOT}.8", shear=(0.2, 0, 0)), *made(3, series=f"{ROOT}.9")[::2]]
    facts = facts_of(slices)
    for seed in range(5):
        assert plan_volumes(random.Random(seed).sample(facts, len(facts))) == plan_volumes(facts)


def test_an_object_that_is_listed_twice_counts_once():
    facts = facts_of(made())
    assert plan_volumes([*facts, *facts]) == plan_volumes(facts)


def test_a_real_series_has_its_spacing_and_every_slice_by_its_instance():
    slices = real_slices(T1)
    volume = only(volumes_of(random.Random(2).sample(slices, len(slices))))
    assert volume.status is None
    assert volume.spacing == pytest.approx((0.699988, 0.666667, 0.666667), abs=1e-3)
    assert [placed.sop_uid for placed in volume.slices] == [slice_.SOPInstanceUID for slice_ in slices]


def test_three_thousand_slices_are_planned_in_seconds():
    facts = facts_of(made(1))[0]
    many = [
        replace(facts, key=f"{index:05}", sop_uid=f"1.2.{index}", position=(0.0, 0.5 * index, 0.1 * index))
        for index in range(3000)
    ]
    volume = only(plan_volumes(random.Random(3).sample(many, len(many))))
    assert (volume.status, len(volume.slices)) == (None, 3000)


@pytest.mark.parametrize("seed", range(5))
def test_jitter_of_a_twentieth_of_a_millimetre_is_none_and_the_spacing_is_that_of_all(seed: int):
    rng = np.random.default_rng(seed)
    slices = changed(made(40, step=2 / 3), lambda one, _: shifted(one, rng.uniform(-0.05, 0.05)))
    volume = only(volumes_of(slices))
    assert volume.status is None
    assert volume.spacing is not None
    assert volume.spacing[2] == pytest.approx(2 / 3, abs=2e-3)
    assert volume.residual_mm == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("step", [0.1, 0.3, 0.667, 1.0, 5.0, 10.0])
@pytest.mark.parametrize("at", [1, 2, 19, 37, 38])
def test_a_slice_that_is_missing_is_never_taken_for_jitter(step: float, at: int):
    slices = made(40, step=step)
    del slices[at]
    volume = only(volumes_of(slices))
    assert (volume.status, volume.missing, volume.shape) == ("incomplete_series", (at,), (5, 6, 40))
    assert volume.detail == f"1 of 40 slices are missing, counted from 0: {at}"
    assert [placed.index for placed in volume.slices] == [index for index in range(40) if index != at]


def test_several_gaps_and_jitter_are_told_apart():
    rng = np.random.default_rng(4)
    slices = changed(made(40, step=2 / 3), lambda one, _: shifted(one, rng.uniform(-0.03, 0.03)))
    there = [slice_ for index, slice_ in enumerate(slices) if index not in (5, 6, 7, 20, 33)]
    volume = only(volumes_of(there))
    assert (volume.status, volume.missing) == ("incomplete_series", (5, 6, 7, 20, 33))


def test_three_slices_of_four_are_enough_to_see_the_gap():
    slices = made(4)
    del slices[1]
    assert only(volumes_of(slices)).missing == (1,)


@pytest.mark.parametrize("places", [[0, 1, 2, 3.5, 4.5], [0, 1, 2.3, 3.9, 5.9], [0, 5, 6.1, 13.1, 15, 16.08]])
def test_other_gaps_are_variable_spacing(places: list[float]):
    slices = changed(made(len(places), step=0.001), lambda one, index: shifted(one, places[index]))
    volume = only(volumes_of(slices))
    assert (volume.status, volume.affine) == ("variable_spacing", None)
    assert [placed.index for placed in volume.slices] == list(range(len(places)))


def test_a_slice_that_lies_beside_the_others_is_no_part_of_a_grid():
    def aside(slice_: Dataset, index: int) -> None:
        if index == 3:
            row = np.array(slice_.ImageOrientationPatient[:3], float)
            slice_.ImagePositionPatient = list(np.round(np.array(slice_.ImagePositionPatient, float) + 7 * row, 6))

    assert only(volumes_of(changed(made(), aside))).status == "variable_spacing"


def test_noise_in_the_orientation_is_none_below_a_thousandth():
    rng = np.random.default_rng(5)

    def noisy(slice_: Dataset, _: int) -> None:
        vectors = np.array(slice_.ImageOrientationPatient, float)
        slice_.ImageOrientationPatient = [round(float(value), 9) for value in vectors + rng.uniform(-5e-5, 5e-5, 6)]

    assert only(volumes_of(changed(made(), noisy))).status is None


def test_two_orientations_are_two_volumes():
    turned = made(series=f"{ROOT}.7", vectors=(0, 1, 0, 0, 0, -1))
    for slice_ in turned:
        renamed(slice_, "9")
    volumes = volumes_of([*made(), *turned])
    assert verdicts(volumes) == [("ok", 8), ("ok", 8)]
    assert [volume.volume_id for volume in volumes] == [f"{ROOT}.7#orientation=1", f"{ROOT}.7#orientation=2"]


def test_two_sizes_are_two_volumes():
    small = changed(made(size=(3, 4)), lambda one, _: renamed(one, "9"))
    volumes = volumes_of([*made(), *small])
    assert [volume.volume_id for volume in volumes] == [f"{ROOT}.7#size=4x3", f"{ROOT}.7#size=5x6"]
    assert verdicts(volumes) == [("ok", 8), ("ok", 8)]


def test_two_frames_of_reference_are_two_volumes_and_none_is_that_of_the_others():
    def other(slice_: Dataset, index: int) -> None:
        renamed(slice_, "9")
        slice_.FrameOfReferenceUID = UID(f"{ROOT}.3")

    assert verdicts(volumes_of([*made(), *changed(made(), other)])) == [("ok", 8), ("ok", 8)]
    slices = made()
    del slices[3].FrameOfReferenceUID
    assert verdicts(volumes_of(slices)) == [("ok", 8)]


@pytest.mark.parametrize("attribute", ["InstanceNumber", "FrameOfReferenceUID", "StudyInstanceUID", "SliceThickness"])
def test_what_does_not_say_where_a_slice_lies_may_be_absent(attribute: str):
    slices = made()
    for slice_ in slices:
        delattr(slice_, attribute)
    assert verdicts(volumes_of(slices)) == [("ok", 8)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("ImageOrientationPatient", None),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
        ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0]),
        ("ImagePositionPatient", None),
        ("PixelSpacing", None),
        ("PixelSpacing", [0, 0]),
        ("PixelSpacing", [-1, 1]),
        ("PixelSpacing", [0.5]),
    ],
)
def test_slices_without_a_place_are_no_volume_and_say_what_they_lack(attribute: str, value: object):
    volume = only(volumes_of(changed(made(), lambda one, _: setattr(one, attribute, value))))
    assert (volume.status, len(volume.slices)) == ("not_a_volume", 8)
    assert attribute in volume.detail


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e300", "1e7"])
def test_a_position_that_no_patient_has_is_none(word: str):
    facts = facts_of(made())
    volumes = plan_volumes(replace(one, position=(0.0, float(word), 0.0)) for one in facts)
    assert only(volumes).status == "not_a_volume"


def test_a_slice_far_away_is_no_gap_of_a_hundred_thousand_slices():
    slices = made()
    shifted(slices[-1], 400_000)
    assert only(volumes_of(slices)).status == "variable_spacing"


def test_a_slice_of_unknown_place_makes_its_volume_incomplete_even_at_an_end():
    slices = made()
    del slices[-1].ImagePositionPatient
    volumes = volumes_of(slices)
    assert verdicts(volumes) == [("incomplete_series", 7), ("not_a_volume", 1)]


def test_a_picture_of_another_size_beside_it_leaves_a_volume_whole():
    report = made(1, size=(40, 50))[0]
    renamed(report, "9")
    del report.ImagePositionPatient
    assert verdicts(volumes_of([*made(), report])) == [("ok", 8), ("not_a_volume", 1)]


def test_one_slice_is_no_volume():
    assert verdicts(volumes_of(made(1))) == [("not_a_volume", 1)]


def test_slices_that_all_lie_at_one_place_are_none_whatever_tells_them_apart():
    slices = changed(made(), lambda one, index: setattr(one, "TriggerTime", 10.0 * index))
    for slice_ in slices:
        slice_.ImagePositionPatient = slices[0].ImagePositionPatient
    volume = only(volumes_of(slices))
    assert (volume.status, len(volume.slices)) == ("not_a_volume", 8)


def test_an_object_without_a_series_is_one_by_itself():
    slices = made(3)
    for slice_ in slices:
        del slice_.SeriesInstanceUID
    volumes = volumes_of(slices)
    assert verdicts(volumes) == [("not_a_volume", 1)] * 3
    assert len({volume.volume_id for volume in volumes}) == 3


@pytest.mark.parametrize(("attribute", "word"), [("PatientID", "patients"), ("StudyInstanceUID", "studies")])
def test_a_series_of_two_patients_or_studies_is_nobodys_volume(attribute: str, word: str):
    slices = made()
    for slice_ in slices[4:]:
        setattr(slice_, attribute, f"{ROOT}.99")
    volume = only(volumes_of(slices))
    assert (volume.status, volume.detail) == ("unreadable", f"slices of this series name different {word}")


def test_a_localizer_inside_a_series_is_an_entry_of_its_own():
    localizer = made(1)[0]
    renamed(localizer, "9")
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    localizer.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    volumes = volumes_of([*made(), localizer])
    assert [(volume.volume_id, str(volume.status or "ok")) for volume in volumes] == [
        (f"{ROOT}.7", "ok"),
        (f"{ROOT}.7#localizer", "localizer"),
    ]


def test_a_slice_across_a_volume_is_a_localizer_even_if_it_does_not_say_so():
    across = made(1, vectors=(0, 1, 0, 0, 0, -1))[0]
    renamed(across, "9")
    assert sorted(verdicts(volumes_of([*made(), across]))) == [("localizer", 1), ("ok", 8)]


def test_rescale_that_changes_from_slice_to_slice_is_one_volume():
    def scaled(slice_: Dataset, index: int) -> None:
        slice_.RescaleSlope, slice_.RescaleIntercept = (1 if index == 0 else 1.25 + index), 0

    volume = only(volumes_of(changed(made(), scaled)))
    assert volume.status is None
    # Integers in the first, doubles in the others.
    assert volume.decoded_bytes == 30 * (2 + 7 * 8)
