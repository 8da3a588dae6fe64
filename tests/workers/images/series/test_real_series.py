"""Real series and every variant of them: the right verdict, and the affine of dcm2niix or of arithmetic."""

from __future__ import annotations

import copy
import gzip
import random
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK
from nibabel.nicom.dicomwrappers import wrapper_from_data
from pydicom import Dataset

from tests.support.dicom_files import settings, stored
from tests.support.series import (
    SERIES,
    T1,
    TILTED,
    canonical,
    dcm2niix,
    facts_of,
    files_of,
    made,
    matrix,
    only,
    real_slices,
    verdicts,
    volumes_of,
)
from tests.support.series_variants import VARIANTS, Variant
from workers.images.series.digests import with_digests
from workers.images.series.facts import SeriesVolume
from workers.images.series.object_rows import object_rows
from workers.images.series.plan_volumes import keys_to_compare, plan_volumes

COUNT = 12
KNOWN_WRONG = {
    "one slice missing",
    "one slice cut off",
    "a copy",
    "other pixels at one place",
    "jitter",
    "all at one place",
    "many gaps",
}
"""What dcm2niix makes another stack of than there is; see docs/series.md."""


def _t1() -> list[Dataset]:
    return copy.deepcopy(real_slices(T1)[20 : 20 + COUNT])


def _synthetic() -> list[Dataset]:
    return made(COUNT, step=0.667, size=(32, 24))


def _planned(objects: list[Dataset | bytes]) -> list[SeriesVolume]:
    bodies = [one if isinstance(one, bytes) else stored(one) for one in objects]
    facts = facts_of(bodies)
    wanted = keys_to_compare(facts)
    for place, one in enumerate(facts):
        if one.key in wanted:
            (facts[place],) = with_digests(BytesIO(bodies[int(one.key)]), settings(), [one])
    volumes = plan_volumes(random.Random(8).sample(facts, len(facts)))
    rows = object_rows(volumes, facts, {})
    assert [row.key for row in rows] == [f"{number:04}" for number in range(len(bodies))]
    return volumes


@pytest.mark.parametrize("source", [_synthetic, _t1])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name.replace(" ", "-"))
def test_every_variant_of_a_series_comes_to_what_it_is(variant: Variant, source: Callable[[], list[Dataset]]):
    volumes = _planned(variant.make(source()))
    assert sorted(verdicts(volumes)) == sorted(variant.verdicts(COUNT))
    for volume in volumes:
        if volume.status is None and "orientation=" not in volume.volume_id:
            assert volume.spacing is not None
            assert volume.spacing[2] == pytest.approx(0.667, abs=5e-3 if variant.name == "jitter" else 1e-3)


@pytest.mark.parametrize(
    "variant",
    [variant for variant in VARIANTS if variant.name not in KNOWN_WRONG],
    ids=lambda variant: variant.name.replace(" ", "-"),
)
def test_the_affine_of_each_volume_is_that_of_dcm2niix(variant: Variant, tmp_path: Path):
    objects = variant.make(_synthetic())
    found = [image for image in dcm2niix(objects, tmp_path) if image.shape[2] > 1]
    theirs = [canonical(image.affine, image.shape) for image in found]
    volumes = [volume for volume in _planned(objects) if volume.status is None]
    assert volumes
    assert theirs
    for volume in volumes:
        assert volume.shape is not None
        ours = canonical(matrix(volume), volume.shape)
        # dcm2niix takes the directions of one slice, which are noise of 5e-5 away from those of all.
        allowed = 1e-2 if variant.name == "noise in the orientation" else 1e-3
        assert min(float(np.abs(ours - affine).max()) for affine in theirs) < allowed


def test_the_affine_of_the_real_series_is_that_of_dcm2niix(tmp_path: Path):
    slices = real_slices(T1)
    volume = only(volumes_of(slices))
    (image,) = dcm2niix(slices, tmp_path)
    assert volume.shape is not None
    assert sorted(volume.shape) == sorted(image.shape)
    theirs = canonical(image.affine, image.shape)
    assert canonical(matrix(volume), volume.shape) == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize(
    ("folder", "tilt", "between"), [(TILTED, 18.5, 2.3708), (SERIES / "gantrytilting" / "001", 14.0, 4.8515)]
)
def test_a_tilted_series_is_sheared_as_its_slices_lie(folder: Path, tilt: float, between: float):
    slices = real_slices(folder)
    volume = only(volumes_of(slices))
    assert (volume.status, volume.tilt_deg) == (None, pytest.approx(tilt, abs=0.01))
    assert volume.spacing is not None
    assert volume.spacing[2] == pytest.approx(between, abs=1e-3)
    for placed, slice_ in zip(volume.slices, slices, strict=True):
        assert placed.sop_uid == slice_.SOPInstanceUID
        there = np.array(slice_.ImagePositionPatient, float) * [-1, -1, 1]
        assert (matrix(volume) @ [0, 0, placed.index, 1])[:3] == pytest.approx(there, abs=1e-3)


def test_series_with_gaps_say_which_slice_lacks():
    for folder in ("001", "002"):
        volume = only(volumes_of([path.read_bytes() for path in files_of(SERIES / "sliceincrement" / folder)]))
        assert (volume.status, volume.missing, volume.detail) == (
            "incomplete_series",
            (3,),
            "1 of 5 slices are missing, counted from 0: 3",
        )


def test_two_orientations_of_a_real_series_are_two_volumes():
    volumes = volumes_of([path.read_bytes() for path in files_of(SERIES / "sliceorientation" / "001")])
    assert [(volume.status, volume.orientation) for volume in volumes] == [(None, "PIR"), (None, "LPS")]


def test_an_enhanced_series_lies_where_the_published_volume_does():
    folder = SERIES / "siemens_multiframe" / "anatomical"
    volume = only(volumes_of([path.read_bytes() for path in files_of(folder / "001")]))
    truth = nib.load(folder / "001_ground_truth.nii.gz")
    assert volume.status is None
    assert volume.shape is not None
    theirs = canonical(truth.affine, truth.shape)
    assert canonical(matrix(volume), volume.shape) == pytest.approx(theirs, abs=1e-3)
    object_ = pydicom.dcmread(files_of(folder / "001")[0])
    frames = [placed.frame for placed in volume.slices]
    ours = nib.Nifti1Image(object_.pixel_array[frames].transpose(2, 1, 0), matrix(volume))
    same = nib.as_closest_canonical(truth)
    assert (nib.as_closest_canonical(ours).get_fdata() == same.get_fdata()).all()


def test_real_mosaics_lie_where_their_protocol_planned_the_slices():
    """Their image header was taken out, and images are numbered from head to feet: the first tile is the last slice of
    the protocol. dcm2niix and dicom2nifti go on upward from there, 151 mm above the head."""
    for path in files_of(SERIES / "siemens" / "fmri" / "001"):
        object_ = pydicom.dcmread(path)
        protocol = object_[0x00291020].value.split(b"### ASCCONV BEGIN")[1].split(b"### ASCCONV END")[0]
        said = dict(re.findall(r"^(\S+)\s*=\s*(\S+)\s*$", protocol.decode("latin-1"), re.MULTILINE))
        assert (said["sSliceArray.lSize"], said["sSliceArray.ucImageNumbTra"]) == ("50", "0x1")
        volume = only(volumes_of([path.read_bytes()]))
        assert (volume.status, volume.shape) == (None, (80, 80, 50))
        for placed in volume.slices:
            axes = (said[f"sSliceArray.asSlice[{placed.index}].sPosition.d{axis}"] for axis in ("Sag", "Cor", "Tra"))
            there = np.array([float(axis) for axis in axes]) * [-1, -1, 1]
            assert (matrix(volume) @ [40, 40, placed.index, 1])[:3] == pytest.approx(there, abs=1e-3)
            tile = 49 - placed.index
            assert placed.corner == (tile // 8 * 80, tile % 8 * 80)


def test_a_published_mosaic_lies_where_nibabel_has_it():
    path = Path(nib.__file__).parent / "nicom" / "tests" / "data" / "siemens_dwi_1000.dcm.gz"
    if not path.is_file():
        pytest.skip("nibabel was installed without its test files")
    body = gzip.decompress(path.read_bytes())
    volume = only(volumes_of([body]))
    theirs = wrapper_from_data(pydicom.dcmread(BytesIO(body)))
    assert (volume.status, volume.shape) == (None, theirs.image_shape)
    # nibabel has rows first, and DICOM's LPS.
    turned = np.diag([-1, -1, 1, 1]) @ theirs.affine[:, [1, 0, 2, 3]]
    assert matrix(volume) == pytest.approx(turned, abs=1e-3)


def test_the_affine_of_a_clean_series_is_that_of_simpleitk_too(tmp_path: Path):
    slices = made(6)
    for number, slice_ in enumerate(slices):
        (tmp_path / f"{number}.dcm").write_bytes(stored(slice_))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(tmp_path / f"{number}.dcm") for number in range(6)])
    image = reader.Execute()
    theirs = np.eye(4)
    theirs[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    theirs[:3, 3] = image.GetOrigin()
    volume = only(volumes_of(slices))
    assert volume.shape == image.GetSize()
    assert matrix(volume) == pytest.approx(np.diag([-1, -1, 1, 1]) @ theirs, abs=1e-3)
