"""Places that come twice: told apart by echo, time and the like, copies, or a contradiction."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from tests.support.dicom_files import settings, stored
from tests.support.series import ROOT, changed, facts_of, made, only, renamed, shifted, verdicts, volumes_of
from workers.images.series.digests import with_digests
from workers.images.series.facts import SeriesVolume
from workers.images.series.plan_volumes import keys_to_compare, plan_volumes


def _compared(slices: list[Dataset]) -> list[SeriesVolume]:
    """What the slices come to once those that have to be are compared."""
    facts = facts_of(slices)
    bodies = {f"{number:04}": stored(slice_) for number, slice_ in enumerate(slices)}
    wanted = keys_to_compare(facts)
    known = [
        with_digests(BytesIO(bodies[one.key]), settings(), [one])[0] if one.key in wanted else one for one in facts
    ]
    assert not keys_to_compare(known)
    return plan_volumes(random.Random(6).sample(known, len(known)))


def _twice(change: Callable[[Dataset, int, int], None], rounds: int = 2) -> list[Dataset]:
    """A series taken several times: `change(slice, index, round)`."""
    found: list[Dataset] = []
    for number in range(rounds):
        slices = made(seed=number)
        for index, slice_ in enumerate(slices):
            renamed(slice_, f"9{number}")
            slice_.InstanceNumber = number * len(slices) + index + 1
            change(slice_, index, number)
        found += slices
    return found


def _set(name: str, value: Callable[[int, int], object]) -> Callable[[Dataset, int, int], None]:
    return lambda slice_, index, number: setattr(slice_, name, value(index, number))


@pytest.mark.parametrize(
    ("change", "endings"),
    [
        (_set("EchoTime", lambda index, number: [4.92, 7.38][number]), ["TE=4.92", "TE=7.38"]),
        (_set("EchoNumbers", lambda index, number: number + 1), ["echo=1", "echo=2"]),
        (_set("DiffusionBValue", lambda index, number: 1000.0 * number), ["b=0", "b=1000"]),
        (_set("TemporalPositionIdentifier", lambda index, number: number + 1), ["phase=1", "phase=2"]),
        (_set("AcquisitionNumber", lambda index, number: number + 4), ["acquisition=4", "acquisition=5"]),
        (_set("ImageType", lambda index, number: ["ORIGINAL", "PRIMARY", "MP"[number]]), ["type=M", "type=P"]),
        (_set("AcquisitionTime", lambda index, number: f"1200{index:02}.5{number}"), ["phase=1", "phase=2"]),
        (_set("TriggerTime", lambda index, number: 30.0 * number + index), ["phase=1", "phase=2"]),
        (_set("ContentTime", lambda index, number: f"12{number:02}{index:02}"), ["phase=1", "phase=2"]),
        (_set("AcquisitionNumber", lambda index, number: 8 * number + index), ["phase=1", "phase=2"]),
        (_set("ConvolutionKernel", lambda index, number: ["B31f", "B70f"][number]), ["kernel=B31f", "kernel=B70f"]),
    ],
)
def test_what_slices_at_one_place_differ_in_tells_volumes_apart(
    change: Callable[[Dataset, int, int], None], endings: list[str]
):
    slices = _twice(change)
    facts = facts_of(slices)
    assert not keys_to_compare(facts)
    volumes = plan_volumes(facts)
    assert [volume.volume_id for volume in volumes] == [f"{ROOT}.7#{ending}" for ending in endings]
    assert verdicts(volumes) == [("ok", 8), ("ok", 8)]
    for number, volume in enumerate(volumes):
        assert {placed.key for placed in volume.slices} == {f"{8 * number + index:04}" for index in range(8)}


def test_an_attribute_that_changes_with_each_slice_splits_nothing_where_no_place_comes_twice():
    def busy(slice_: Dataset, index: int) -> None:
        slice_.AcquisitionNumber, slice_.EchoTime, slice_.TriggerTime = index, 3.0 + index, 17.0 * index

    assert verdicts(volumes_of(changed(made(), busy))) == [("ok", 8)]


def test_directions_of_diffusion_are_volumes_of_their_own():
    vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

    def weighted(slice_: Dataset, index: int, number: int) -> None:
        slice_.DiffusionBValue = 1000.0 if number else 0.0
        if number:
            slice_.DiffusionGradientOrientation = vectors[number - 1]

    volumes = volumes_of(_twice(weighted, 4))
    assert verdicts(volumes) == [("ok", 8)] * 4
    assert [volume.volume_id.partition("#")[2] for volume in volumes] == [
        "b=0",
        "b=1000,direction=1",
        "b=1000,direction=2",
        "b=1000,direction=3",
    ]


def test_echoes_of_several_phases_are_told_apart_by_both():
    def both(slice_: Dataset, index: int, number: int) -> None:
        slice_.EchoTime, slice_.TemporalPositionIdentifier = [4.92, 7.38][number % 2], number // 2 + 1

    volumes = volumes_of(_twice(both, 4))
    assert verdicts(volumes) == [("ok", 8)] * 4
    assert len({volume.volume_id for volume in volumes}) == 4


def test_an_echo_that_lacks_a_slice_is_incomplete_and_the_other_is_not():
    slices = _twice(_set("EchoTime", lambda index, number: 5.0 + number))
    del slices[11]
    assert [(str(one.status or "ok"), one.missing) for one in volumes_of(slices)] == [
        ("ok", ()),
        ("incomplete_series", (3,)),
    ]


def test_a_phase_by_time_that_lacks_a_slice_is_incomplete_too():
    slices = _twice(_set("AcquisitionTime", lambda index, number: f"12{number:02}{index:02}"))
    del slices[11]
    assert [(str(one.status or "ok"), one.missing) for one in volumes_of(slices)] == [
        ("ok", ()),
        ("incomplete_series", (3,)),
    ]


def test_phases_go_on_past_midnight():
    def late(slice_: Dataset, index: int, number: int) -> None:
        slice_.AcquisitionDate, slice_.AcquisitionTime = [
            ("20260101", f"2359{index:02}"),
            ("20260102", f"0000{index:02}"),
        ][number]

    volumes = volumes_of(_twice(late))
    assert [{placed.key for placed in volume.slices} for volume in volumes] == [
        {f"{index:04}" for index in range(8)},
        {f"{index:04}" for index in range(8, 16)},
    ]


def test_phases_by_nothing_but_their_numbers_are_told_apart_if_their_pixels_differ():
    slices = _twice(lambda slice_, index, number: None)
    assert len(keys_to_compare(facts_of(slices))) == 16
    volumes = _compared(slices)
    assert [volume.volume_id.partition("#")[2] for volume in volumes] == ["phase=1", "phase=2"]
    assert verdicts(volumes) == [("ok", 8), ("ok", 8)]


def test_phases_that_are_numbered_place_by_place_are_told_apart_too():
    """So Philips numbers them: the first place of all phases, then the second."""
    slices = _twice(lambda slice_, index, number: setattr(slice_, "InstanceNumber", 50 + 200 * index + number), 4)
    volumes = _compared(slices)
    assert [volume.volume_id.partition("#")[2] for volume in volumes] == [f"phase={number}" for number in range(1, 5)]
    for number, volume in enumerate(volumes):
        assert {placed.key for placed in volume.slices} == {f"{8 * number + index:04}" for index in range(8)}


def test_numbers_in_no_order_of_places_tell_nothing_apart():
    slices = _twice(lambda slice_, index, number: None)
    slices[3].InstanceNumber, slices[9].InstanceNumber = slices[9].InstanceNumber, slices[3].InstanceNumber
    assert verdicts(_compared(slices)) == [("duplicate_conflict", 16)]


def test_a_copy_of_a_slice_is_counted_and_left_out():
    slices = made()
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    again.InstanceNumber = 99
    assert keys_to_compare(facts_of([*slices, again])) == {"0003", "0008"}
    volume = only(_compared([*slices, again]))
    assert (volume.status, len(volume.slices), volume.duplicates) == (None, 8, ("0008",))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_a_copy_in_another_order_of_bytes_is_a_copy(syntax: UID):
    slices = made()
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    if syntax == ExplicitVRBigEndian:
        again.PixelData = again.pixel_array.byteswap().tobytes()
    again.file_meta.TransferSyntaxUID = syntax
    body = BytesIO()
    again.save_as(
        body, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian, enforce_file_format=True
    )
    bodies = [*map(stored, slices), body.getvalue()]
    facts = [with_digests(BytesIO(bodies[int(one.key)]), settings(), [one])[0] for one in facts_of(bodies)]
    volume = only(plan_volumes(facts))
    assert (volume.status, len(volume.slices), len(volume.duplicates)) == (None, 8, 1)


def test_a_whole_series_that_lies_there_twice_is_one_volume():
    volume = only(_compared([*made(), *made()]))
    assert (volume.status, len(volume.slices), len(volume.duplicates)) == (None, 8, 8)


@pytest.mark.parametrize("attribute", ["RescaleSlope", "PixelRepresentation", "pixels"])
def test_other_pixels_at_one_place_or_another_meaning_of_them_are_a_conflict(attribute: str):
    slices = made()
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    if attribute == "pixels":
        again.PixelData = bytes(len(again.PixelData))
    else:
        setattr(again, attribute, 1)
    if attribute == "RescaleSlope":
        again.RescaleIntercept = 5
    volume = only(_compared([*slices, again]))
    assert (volume.status, len(volume.slices)) == ("duplicate_conflict", 9)
    assert volume.detail.startswith("1 places hold several slices")


def test_without_digests_nobody_guesses_whether_slices_are_copies():
    slices = made()
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    assert only(volumes_of([*slices, again])).status == "duplicate_conflict"


def test_a_slice_with_an_echo_of_its_own_leaves_the_others_a_volume():
    slices = changed(made(), lambda one, _: setattr(one, "EchoTime", 5.0))
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    again.EchoTime = 9.0
    assert verdicts(volumes_of([*slices, again])) == [("ok", 8), ("not_a_volume", 1)]


@pytest.mark.parametrize("attribute", ["AcquisitionTime", "ContentTime"])
def test_two_pieces_that_share_a_place_never_pass_for_two_volumes(attribute: str):
    slices = changed(made(), lambda one, index: setattr(one, attribute, f"1200{index:02}"))
    again = copy.deepcopy(slices[3])
    renamed(again, "9")
    again.PixelData = bytes(len(again.PixelData))
    setattr(again, attribute, "120003.5")
    assert verdicts(_compared([*slices, again])) == [("duplicate_conflict", 9)]


def test_a_slice_that_cannot_be_read_gives_way_to_a_copy_that_can():
    slices = made()
    cut = stored(slices[3])[:-20]
    volume = only(plan_volumes(facts_of([*slices, cut])))
    assert (volume.status, len(volume.slices), volume.duplicates) == (None, 8, ("0008",))


def test_volumes_that_lie_between_each_other_are_told_apart_by_what_makes_each_regular():
    first = changed(made(), lambda one, _: setattr(one, "EchoTime", 5.0))
    second = changed(made(), lambda one, _: (setattr(one, "EchoTime", 9.0), renamed(one, "9"), shifted(one, 0.4)))
    assert verdicts(volumes_of([*first, *second])) == [("ok", 8), ("ok", 8)]


def test_pieces_of_several_spacings_are_not_made_volumes_by_what_they_differ_in():
    def later(slice_: Dataset, index: int) -> None:
        slice_.AcquisitionNumber = 1 if index < 4 else 2
        if index > 4:
            shifted(slice_, 1.3 * (index - 4))

    assert verdicts(volumes_of(changed(made(), later))) == [("variable_spacing", 8)]


@pytest.mark.parametrize(
    ("attribute", "values"),
    [("AcquisitionNumber", (1, 2)), ("AcquisitionTime", ("120000", "120001")), ("TriggerTime", (10.0, 20.0))],
)
def test_every_other_slice_is_no_volume_where_one_of_all_lacks(attribute: str, values: tuple[object, object]):
    slices = changed(made(12), lambda one, index: setattr(one, attribute, values[index % 2]))
    del slices[5]
    assert [(str(one.status), one.missing) for one in volumes_of(slices)] == [("incomplete_series", (5,))]


def test_ids_of_volumes_do_not_depend_on_which_slices_came_first():
    slices = _twice(_set("TriggerTime", lambda index, number: 30.0 * number + np.sin(index)), 3)
    facts = facts_of(slices)
    found = plan_volumes(facts)
    assert len({volume.volume_id for volume in found}) == 3
    assert plan_volumes(reversed(facts)) == found
