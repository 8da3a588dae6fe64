"""Stacks that noise takes apart, and slices left out at equal distances: never volumes of half their slices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.support.series import OBLIQUE, changed, made, only, shifted, verdicts, volumes_of


def _noisy(amplitude: float) -> Callable[[Dataset, int], None]:
    rng = np.random.default_rng(1)

    def noisy(slice_: Dataset, _: int) -> None:
        vectors = np.array(slice_.ImageOrientationPatient, float) + rng.uniform(-amplitude, amplitude, 6)
        slice_.ImageOrientationPatient = [round(float(value), 9) for value in vectors]

    return noisy


@pytest.mark.parametrize("amplitude", [1e-4, 5e-4, 9.9e-4])
def test_orientations_within_a_thousandth_of_their_middle_are_one(amplitude: float):
    volume = only(volumes_of(changed(made(20), _noisy(amplitude))))
    assert (volume.status, len(volume.slices)) == (None, 20)
    assert volume.spacing is not None
    assert volume.spacing[2] == pytest.approx(2, abs=1e-2)


def _turned(slice_: Dataset, index: int) -> None:
    slice_.ImageOrientationPatient = [float(value) + 2.5e-3 * (index % 2) for value in slice_.ImageOrientationPatient]


def _scaled(slice_: Dataset, index: int) -> None:
    slice_.PixelSpacing = [0.5 + 3e-4 * (index % 2), 0.75]


def _elsewhere(slice_: Dataset, index: int) -> None:
    slice_.FrameOfReferenceUID = f"1.2.{index % 2}"


@pytest.mark.parametrize("change", [_turned, _scaled, _elsewhere, _noisy(3e-3)])
def test_every_other_slice_of_a_stack_is_no_volume_because_the_others_differ_a_little(
    change: Callable[[Dataset, int], None],
):
    assert verdicts(volumes_of(changed(made(20), change))) == [("variable_spacing", 20)]


def test_stacks_that_lie_beside_each_other_or_at_the_same_places_stay_volumes():
    halves = made(16)
    for slice_ in halves[8:]:
        slice_.FrameOfReferenceUID = "1.2.3"
    assert verdicts(volumes_of(halves)) == [("ok", 8), ("ok", 8)]
    again = [*made(8), *made(8, seed=2)]
    for number, slice_ in enumerate(again[8:], 9):
        slice_.SOPInstanceUID, slice_.InstanceNumber = f"1.2.3.{number}", number
        slice_.PixelSpacing = [0.5, 0.7505]
    assert verdicts(volumes_of(again)) == [("ok", 8), ("ok", 8)]


def test_a_slice_of_no_frame_of_reference_takes_nothing_from_a_volume_beside_it():
    slices = made(16)
    for index, slice_ in enumerate(slices):
        slice_.FrameOfReferenceUID = f"1.2.{index // 8}"
    del slices[3].FrameOfReferenceUID
    assert sorted(verdicts(volumes_of(slices))) == [("incomplete_series", 7), ("not_a_volume", 1), ("ok", 8)]


def test_volumes_that_are_clearly_turned_against_each_other_are_two_wherever_they_lie():
    other = made(8, vectors=(OBLIQUE[0], OBLIQUE[1] + 0.2, *OBLIQUE[2:]), seed=3)
    for number, slice_ in enumerate(other, 9):
        slice_.SOPInstanceUID, slice_.InstanceNumber = f"1.2.3.{number}", number
        shifted(slice_, 1.0)
    assert verdicts(volumes_of([*made(8), *other])) == [("ok", 8), ("ok", 8)]


def _thinned(between: object, numbered: bool = True) -> list[Dataset]:
    slices = made(15)
    for slice_ in slices:
        slice_.SpacingBetweenSlices = between
    kept = slices[::2]
    if not numbered:
        for index, slice_ in enumerate(kept):
            slice_.InstanceNumber = index + 1
    return kept


def test_slices_left_out_at_equal_distances_lack_where_headers_say_it_twice():
    for slices in (_thinned(2), _thinned(-2.01), _thinned(2)[::-1]):
        volume = only(volumes_of(slices))
        assert (volume.status, volume.missing) == ("incomplete_series", (1, 3, 5, 7, 9, 11, 13))
        assert volume.detail.startswith("7 of 15 slices are missing")
    assert only(volumes_of([made(11)[0], made(11)[10]])).status is None
    two = [_thinned(2)[0], _thinned(2)[5]]
    assert only(volumes_of(two)).missing == tuple(range(1, 10))


@pytest.mark.parametrize(
    ("between", "numbered"),
    [(2, False), (None, True), (4, True), (2.6, True), (0, True), ("nan", True), ("1e-300", True)],
)
def test_one_attribute_alone_takes_no_slice_away(between: object, numbered: bool):
    volume = only(volumes_of(_thinned(between, numbered)))
    assert (volume.status, len(volume.slices)) == (None, 8)
    assert volume.spacing is not None
    assert volume.spacing[2] == pytest.approx(4, abs=1e-4)


def test_echoes_that_are_numbered_in_turn_lack_nothing():
    slices = []
    for index, (first, second) in enumerate(zip(made(8), made(8, seed=4), strict=True)):
        for echo, slice_ in enumerate((first, second)):
            slice_.EchoTime, slice_.SpacingBetweenSlices = 4.0 + echo, 2
            slice_.InstanceNumber, slice_.SOPInstanceUID = 2 * index + echo + 1, f"1.2.3.{echo}.{index}"
            slices.append(slice_)
    assert verdicts(volumes_of(slices)) == [("ok", 8), ("ok", 8)]
