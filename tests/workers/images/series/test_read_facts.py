"""Headers to facts: one a slice, whatever kind of object holds it."""

from __future__ import annotations

import gzip
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import PYDICOM_DATA, dataset, settings, shipped, stored, wrapped
from tests.support.series import ROOT, changed, facts_of, made, matrix, only, shifted, verdicts, volumes_of
from tests.support.series_variants import enhanced, grid, mosaic, quoted_protocol
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import read_dicom
from workers.images.series.plan_volumes import plan_volumes
from workers.images.series.read_facts import read_facts


class _Counting(BytesIO):
    """How far somebody read."""

    furthest = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return found


def test_no_pixel_is_read():
    body = stored(made(1, size=(1000, 1000))[0])
    reader = _Counting(body)
    (facts,) = read_facts(reader, settings(), "key")
    assert (facts.rows, facts.columns, facts.sop_uid, facts.subject) == (1000, 1000, f"{ROOT}.7.1", "patient-1")
    assert reader.furthest <= 1 << 16 < len(body)


def test_what_a_selection_asks_for_comes_along_as_it_is():
    slice_ = made(1)[0]
    slice_.SeriesDescription, slice_.SeriesNumber, slice_.KVP = "  T1 ax ", 7, "120"
    (facts,) = facts_of(
        [slice_], ["SeriesDescription", "SeriesNumber", "KVP", "00080060", "WindowWidth", "NoSuchThing"]
    )
    asked = {name: facts.extra[name] for name in ("SeriesDescription", "SeriesNumber", "KVP", "00080060")}
    assert asked == {"SeriesDescription": "T1 ax", "SeriesNumber": 7, "KVP": 120.0, "00080060": "MR"}
    assert (facts.extra["WindowWidth"], facts.extra["NoSuchThing"]) == (None, None)


@pytest.mark.parametrize(
    ("kind", "slope", "intercept"),
    [
        (np.uint8, None, None),
        (np.uint16, None, None),
        (np.int16, "1", "-1024"),
        (np.uint16, "1", "-1024"),
        (np.uint16, "1", "0"),
        (np.uint8, "300", "0"),
        (np.uint16, "0.5", "0"),
        (np.uint16, "0", "5"),
        (np.uint16, "70000", "5"),
    ],
)
def test_the_bytes_of_a_slice_are_those_of_what_decoding_gives(kind: type, slope: str | None, intercept: str | None):
    slice_ = dataset(np.arange(30, dtype=kind).reshape(5, 6))
    if slope is not None:
        slice_.RescaleSlope, slice_.RescaleIntercept = slope, intercept
    (facts,) = facts_of([slice_])
    (image,) = DicomImage(read_dicom(stored(slice_), 1 << 20)).decode(settings(), None)
    assert facts.decoded_bytes == image.pixels.nbytes


@pytest.mark.parametrize("traits", ["echo", "phase", "b"])
def test_frames_of_an_enhanced_object_are_slices_told_apart_by_their_groups(traits: str):
    slices = made(5)
    both = [slice_ for slice_ in slices for _ in range(2)]
    volumes = volumes_of([enhanced(both, lambda index: {traits: 3 + index % 2})])
    assert verdicts(volumes) == [("ok", 5), ("ok", 5)]
    for number, volume in enumerate(volumes):
        assert [placed.frame for placed in volume.slices] == [number + 2 * index for index in range(5)]
        assert matrix(volume) == pytest.approx(matrix(only(volumes_of(slices))), abs=1e-5)


def test_dimension_indices_tell_frames_apart_where_nothing_else_does():
    both = [slice_ for slice_ in made(5) for _ in range(2)]
    made_ = enhanced(both, lambda index: {"dimension": index % 2 + 1})
    made_.DimensionIndexSequence[2].DimensionIndexPointer = 0x00209128
    volumes = volumes_of([made_])
    assert verdicts(volumes) == [("ok", 5), ("ok", 5)]
    # A dimension that counts places is none that tells volumes apart.
    made_.DimensionIndexSequence[2].DimensionIndexPointer = 0x00209057
    assert verdicts(volumes_of([made_])) == [("duplicate_conflict", 10)]


def test_what_a_vendor_has_in_a_sequence_of_its_own_is_not_where_a_frame_lies():
    """Philips has all that a single-frame object would have there, with positions of corners for those of centres."""
    slices = made(5)
    object_ = enhanced(slices, lambda index: {"place": index + 1})
    for index, group in enumerate(object_.PerFrameFunctionalGroupsSequence):
        private = Dataset()
        private.ImagePositionPatient, private.ImageOrientationPatient = [index, 7.5, -3], [1, 0, 0, 0, 0, -1]
        private.EchoTime, private.PixelSpacing = 80.0 + index, [3, 3]
        group.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(0x0F, "SQ", [private])
    volume = only(volumes_of([object_]))
    assert matrix(volume) == pytest.approx(matrix(only(volumes_of(slices))), abs=1e-6)


def test_what_a_frame_says_wins_over_what_is_shared():
    object_ = enhanced(made(5), lambda index: {})
    turned = Dataset()
    turned.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    object_.PerFrameFunctionalGroupsSequence[4].PlaneOrientationSequence = [turned]
    assert sorted(verdicts(volumes_of([object_]))) == [("localizer", 1), ("ok", 4)]


def test_frames_that_nothing_gives_a_place_are_no_volume():
    movie = dataset(np.zeros((4, 5, 6), np.uint8), NumberOfFrames=4, SeriesInstanceUID=f"{ROOT}.3")
    movie.ImagePositionPatient, movie.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    movie.PixelSpacing = [1, 1]
    assert verdicts(volumes_of([movie])) == [("not_a_volume", 4)]


def test_frames_of_a_dose_lie_by_their_offsets():
    dose = dataset(np.zeros((4, 5, 6), np.uint16), NumberOfFrames=4, SeriesInstanceUID=f"{ROOT}.3", Modality="RTDOSE")
    dose.ImagePositionPatient, dose.ImageOrientationPatient = [1, 2, 30], [1, 0, 0, 0, 1, 0]
    dose.PixelSpacing, dose.GridFrameOffsetVector = [2, 3], [0, 2.5, 5, 7.5]
    volume = only(volumes_of([dose]))
    assert volume.status is None
    there = np.array([[-3, 0, 0, -1], [0, -2, 0, -2], [0, 0, 2.5, 30], [0, 0, 0, 1]])
    assert matrix(volume) == pytest.approx(there, abs=1e-9)
    dose.GridFrameOffsetVector = [30, 32.5, 35, 37.5]
    assert matrix(only(volumes_of([dose]))) == pytest.approx(there, abs=1e-9)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_mosaic_is_its_slices_where_they_lie(reverse: bool):
    slices = made(7)[::-1] if reverse else made(7)
    object_ = mosaic(slices, 3)
    volume, alone = only(volumes_of([object_])), only(volumes_of(slices))
    assert (volume.status, volume.shape, volume.spacing) == (None, alone.shape, pytest.approx(alone.spacing, abs=1e-4))
    assert matrix(volume) == pytest.approx(matrix(alone), abs=1e-4)
    for placed, single in zip(volume.slices, alone.slices, strict=True):
        assert placed.corner is not None
        top, left = placed.corner
        tile = object_.pixel_array[top : top + 6, left : left + 5]
        assert (tile == slices[int(single.key)].pixel_array).all()


def test_mosaics_of_several_times_are_as_many_volumes():
    times = [mosaic(made(7), 3) for _ in range(3)]
    for number, object_ in enumerate(times):
        object_.AcquisitionNumber = number + 1
        object_.SOPInstanceUID = f"{ROOT}.8.{number}"
    assert verdicts(volumes_of(times)) == [("ok", 7)] * 3


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("between", [True, False])
def test_a_mosaic_without_its_image_header_begins_at_the_end_of_the_protocol_where_it_lies(
    reverse: bool, between: bool
):
    slices = made(7)
    object_ = mosaic(slices[::-1] if reverse else slices, 3)
    object_[0x00291010].value = b""
    object_.private_block(0x0029, "SIEMENS CSA HEADER").add_new(0x20, "OB", quoted_protocol(slices))
    if not between:
        del object_.SpacingBetweenSlices
    volume, alone = only(volumes_of([object_])), only(volumes_of(slices))
    assert matrix(volume) == pytest.approx(matrix(alone), abs=1e-4)
    for placed, single in zip(volume.slices, alone.slices, strict=True):
        assert placed.corner is not None
        top, left = placed.corner
        tile = object_.pixel_array[top : top + 6, left : left + 5]
        assert (tile == slices[int(single.key)].pixel_array).all()


@pytest.mark.parametrize("planned", [slice(0, 6), slice(3, 4)])
def test_a_mosaic_whose_protocol_planned_other_slices_is_unsupported(planned: slice):
    object_ = mosaic(made(7), 3)
    object_[0x00291010].value = b""
    object_.private_block(0x0029, "SIEMENS CSA HEADER").add_new(0x20, "OB", quoted_protocol(made(7)[planned]))
    with pytest.raises(RecordError, match="how its slices follow each other"):
        facts_of([object_])


def test_a_mosaic_that_was_moved_away_from_its_protocol_is_unsupported():
    object_ = mosaic(made(7), 3)
    object_[0x00291010].value = b""
    object_.private_block(0x0029, "SIEMENS CSA HEADER").add_new(0x20, "OB", quoted_protocol(made(7)))
    shifted(object_, 40)
    with pytest.raises(RecordError, match="how its slices follow each other"):
        facts_of([object_])


def test_a_grid_of_united_imaging_is_its_slices_where_each_says_that_it_lies():
    slices = made(7)
    object_ = grid(slices, 3, 3)
    volume, alone = only(volumes_of([object_])), only(volumes_of(slices))
    assert (volume.status, volume.shape) == (None, alone.shape)
    assert matrix(volume) == pytest.approx(matrix(alone), abs=1e-4)
    for placed, single in zip(volume.slices, alone.slices, strict=True):
        assert placed.corner is not None
        top, left = placed.corner
        tile = object_.pixel_array[top : top + 6, left : left + 5]
        assert (tile == slices[int(single.key)].pixel_array).all()


def test_a_grid_need_not_be_as_high_as_it_is_wide():
    """Such as those of dcm_qa_uih: twenty slices in four rows of five."""
    object_ = grid(made(20), 5, 4)
    assert (object_.Rows, object_.Columns) == (24, 25)
    volume = only(volumes_of([object_]))
    assert (volume.status, volume.shape, volume.spacing) == (None, (5, 6, 20), pytest.approx((0.75, 0.5, 2), abs=1e-4))


def test_a_grid_that_does_not_say_where_its_slices_lie_is_unsupported():
    object_ = grid(made(7), 3, 3)
    del object_[0x00651051].value[3].ImagePositionPatient
    with pytest.raises(RecordError, match="unsupported: a grid of slices"):
        facts_of([object_])


@pytest.mark.parametrize("tag", [0x0019100A, 0x00291010, 0x00180088])
def test_a_mosaic_that_does_not_say_how_its_slices_lie_is_unsupported(tag: int):
    object_ = mosaic(made(7), 3)
    del object_[tag]
    with pytest.raises(RecordError) as caught:
        facts_of([object_])
    assert caught.value.status is Status.UNSUPPORTED


def test_what_is_no_slice_says_what_it_is():
    with pytest.raises(RecordError, match="no_pixels"):
        facts_of([shipped("rtplan.dcm")])
    with pytest.raises(RecordError, match="unsupported: slices of a series are DICOM objects, and this is png"):
        facts_of([b"\x89PNG\r\n\x1a\n" + bytes(100)])
    with pytest.raises(RecordError, match="unreadable"):
        facts_of([b"nothing"])
    stripped = made(1)[0]
    del stripped.PixelData
    with pytest.raises(RecordError, match="no_pixels"):
        facts_of([stripped])


def test_a_slice_that_cannot_be_decoded_is_known_to_its_volume():
    slices: list[Dataset | bytes] = list(made())
    as_video = wrapped(
        [b"\0" * 40], np.zeros((6, 5), np.uint8), "1.2.840.10008.1.2.4.102", SeriesInstanceUID=f"{ROOT}.7"
    )
    (facts,) = facts_of([as_video])
    assert facts.fault is not None
    assert facts.fault.status is Status.UNSUPPORTED
    head = stored(made()[3])
    slices[3] = head[: head.index(b"\x28\x00\x10\x00") + 6]
    volumes = volumes_of(slices)
    assert verdicts(volumes) == [("incomplete_series", 7), ("unreadable", 1)]


def test_a_header_out_of_gzip_is_the_same():
    body = stored(made(1)[0])
    assert read_facts(BytesIO(gzip.compress(body)), settings(), "k") == read_facts(BytesIO(body), settings(), "k")


def test_every_test_file_of_pydicom_has_facts_or_a_reason_and_each_slice_one_volume():
    facts, reasons = [], set()
    for path in sorted((PYDICOM_DATA / "test_files").rglob("*.dcm")):
        try:
            facts += read_facts(BytesIO(path.read_bytes()), settings(), path.name)
        except RecordError as error:
            reasons.add(error.status)
    assert reasons == {Status.NO_PIXELS, Status.UNREADABLE}
    volumes = plan_volumes(facts)
    assert len({volume.volume_id for volume in volumes}) == len(volumes)
    placed = [(one.key, one.frame, one.corner) for volume in volumes for one in volume.slices]
    assert len(set(placed)) == len(placed)
    assert {key for key, _, _ in placed} | {key for one in volumes for key in one.duplicates} == {
        one.key for one in facts
    }


def test_headers_in_any_transfer_syntax_say_the_same():
    slices = made(3)
    plain = volumes_of(slices)
    assert pydicom.dcmread(BytesIO(stored(slices[0]))).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    for slice_ in changed(slices, lambda one, _: None):
        slice_.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    assert volumes_of(slices) == plain
    for slice_ in slices:
        slice_.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    assert volumes_of(slices) == plain
