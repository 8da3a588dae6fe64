from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from monai import transforms as monai
from scipy import ndimage

from schemas.errors import RecordError
from tests.support.made_volumes import affine_of, noise, of_monai, volume
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.channels import Channels
from workers.images.volumes.prepare.crop import Crop
from workers.images.volumes.prepare.crop_body import CropBody
from workers.images.volumes.prepare.crop_foreground import CropForeground
from workers.images.volumes.prepare.pad import Pad
from workers.images.volumes.prepare.resize import Resize
from workers.images.volumes.volume import Volume

AFFINE = affine_of("LPS", (0.7, 0.8, 2.5))


def _same(step: VolumeStep, made: Volume, expected: Any, atol: float = 0) -> None:
    result = step(made)
    np.testing.assert_allclose(result.voxels, expected.numpy(), atol=atol, rtol=0)
    np.testing.assert_allclose(result.grid.affine, expected.affine.numpy(), atol=1e-9)
    assert result.grid.shape == result.voxels.shape[1:]


def _spotted(seed: int, *, channels: int = 2, dtype: Any = np.float32) -> Volume:
    """Noise below 0 with a few voxels above it."""
    voxels = -np.abs(noise((12, 9, 11), channels=channels, seed=seed)).astype(dtype) - np.asarray(1, dtype)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        voxels[0, rng.integers(2, 10), rng.integers(1, 8), rng.integers(3, 9)] = 7
    voxels[-1, 5, 5, 5] = 9
    return volume(voxels, AFFINE)


@pytest.mark.parametrize("size", [(4, 5, 6), (5, 4, 3), (0, 3, 99), (12, 9, 1)])
def test_the_middle_is_that_of_monai(size: Any) -> None:
    made = volume(noise((12, 9, 11), channels=2, dtype=np.int16), AFFINE)
    _same(Crop(size=size), made, monai.CenterSpatialCrop(size)(of_monai(made)))


def test_a_box_is_that_of_monai() -> None:
    made = volume(noise((12, 9, 11)), AFFINE)
    expected = monai.SpatialCrop(roi_start=(1, 2, 3), roi_end=(5, 99, 4))(of_monai(made))
    _same(Crop(start=(1, 2, 3), size=(4, 97, 1)), made, expected)


def test_a_box_beside_the_volume_is_rejected() -> None:
    with pytest.raises(RecordError, match="nothing of the volume would be left"):
        Crop(start=(12, 0, 0), size=(1, 1, 1))(volume(noise((12, 9, 11))))


@pytest.mark.parametrize("at", ["symmetric", "end"])
@pytest.mark.parametrize(("mode", "theirs"), [("constant", "constant"), ("edge", "edge"), ("reflect", "reflect")])
@pytest.mark.parametrize("to", [(15, 14, 13), (0, 12, 3), (12, 10, 12)])
def test_it_is_padded_as_monai_pads(at: Any, mode: Any, theirs: str, to: Any) -> None:
    made = volume(noise((12, 9, 11), channels=2), AFFINE)
    _same(Pad(to=to, at=at, mode=mode), made, monai.SpatialPad(to, method=at, mode=theirs)(of_monai(made)))


@pytest.mark.parametrize("many", [(16, 16, 16), (5, 0, 11), (1, 2, 3)])
def test_multiples_are_those_of_monai(many: Any) -> None:
    made = volume(noise((12, 9, 11), dtype=np.int16), AFFINE)
    expected = monai.DivisiblePad(many, mode="constant", value=-1024)(of_monai(made))
    _same(Pad(multiple_of=many, value=-1024), made, expected)


def test_a_value_that_the_type_cannot_hold_and_too_small_a_mirror_are_rejected() -> None:
    made = volume(noise((3, 3, 3), dtype=np.uint8))
    with pytest.raises(RecordError, match="cannot hold the value -1"):
        Pad(to=(5, 5, 5), value=-1)(made)
    with pytest.raises(RecordError, match="reflect needs a volume larger"):
        Pad(to=(9, 9, 9), mode="reflect")(made)
    with pytest.raises(RecordError, match="more than 1073741824 voxels"):
        Pad(to=(2000, 2000, 2000))(made)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({}, {}),
        ({"margin": (1, 2, 5)}, {"margin": (1, 2, 5)}),
        ({"margin": (1, 2, 5), "allow_smaller": True}, {"margin": (1, 2, 5), "allow_smaller": True}),
        ({"multiple_of": (4, 8, 16)}, {"k_divisible": (4, 8, 16)}),
        ({"channels": (1,), "margin": (2, 2, 2)}, {"channel_indices": 1, "margin": 2}),
        ({"above": 8}, {"select_fn": lambda x: x > 8}),
    ],
)
def test_the_foreground_is_that_of_monai(seed: int, settings: Any, theirs: Any) -> None:
    made = _spotted(seed)
    _same(CropForeground(**settings), made, monai.CropForeground(**theirs)(of_monai(made)))


def test_nonzero_crops_to_all_that_is_not_0() -> None:
    voxels = np.zeros((1, 6, 7, 8), np.int16)
    voxels[0, 2, 3, 4], voxels[0, 4, 3, 6] = -5, 3
    result = CropForeground(select="nonzero")(volume(voxels))
    assert result.voxels.shape == (1, 3, 1, 3)
    assert [step.kind for step in result.back] == ["crop"]


def test_a_volume_without_foreground_or_without_that_channel_is_rejected() -> None:
    made = volume(np.zeros((1, 3, 4, 5)))
    with pytest.raises(RecordError, match="prepare step 'crop_foreground': the volume has no foreground"):
        CropForeground()(made)
    with pytest.raises(RecordError, match="has 1 channels, and `channels` asks for more"):
        CropForeground(channels=(1,))(made)


def test_the_body_is_the_largest_piece_that_is_denser_than_air() -> None:
    voxels = np.full((1, 30, 28, 20), -1000, np.int16)
    voxels[0, 5:20, 6:19, 2:17] = 40
    voxels[0, 2:29, 25:27, :] = 100
    result = CropBody(margin=(1, 1, 5))(volume(voxels, AFFINE))
    np.testing.assert_array_equal(result.voxels, voxels[:, 4:21, 5:20, :])
    np.testing.assert_allclose(result.grid.affine[:3, 3], (AFFINE @ [4, 5, 0, 1])[:3])
    with pytest.raises(RecordError, match="no voxel is above 200"):
        CropBody(above=200)(volume(voxels))


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_piece_is_that_of_scipy(seed: int) -> None:
    voxels = noise((14, 15, 16), seed=seed, dtype=np.int16)[:, ::-1].transpose(0, 3, 1, 2)
    labelled, count = ndimage.label(voxels[0] > 300)
    largest = 1 + int(np.argmax(np.bincount(labelled.ravel())[1:]))
    expected = voxels[0][ndimage.find_objects(labelled)[largest - 1]]
    assert count > 1
    np.testing.assert_array_equal(CropBody(above=300)(volume(voxels)).voxels[0], expected)


@pytest.mark.parametrize("method", ["area", "nearest", "nearest_exact", "linear"])
@pytest.mark.parametrize("size", [(6, 20, 11), (0, 3, 30), (12, 9, 11)])
def test_it_is_resized_as_monai_resizes(method: Any, size: Any) -> None:
    made = volume(noise((12, 9, 11), channels=2), AFFINE)
    theirs = {"linear": "trilinear", "nearest_exact": "nearest-exact"}.get(method, method)
    _same(
        Resize(size=size, method=method), made, monai.Resize([one or -1 for one in size], mode=theirs)(of_monai(made))
    )


def test_corners_may_be_aligned_as_monai_aligns_them() -> None:
    made = volume(noise((12, 9, 11), dtype=np.int16), AFFINE)
    expected = monai.Resize((6, 20, 11), mode="trilinear", align_corners=True)(of_monai(made))
    np.testing.assert_array_equal(Resize(size=(6, 20, 11), method="linear", align_corners=True)(made).voxels, expected)


@pytest.mark.parametrize("longest", [1, 5, 30])
def test_the_longest_side_is_that_of_monai(longest: int) -> None:
    made = volume(noise((12, 9, 11)), AFFINE)
    _same(Resize(longest=longest), made, monai.Resize(longest, size_mode="longest")(of_monai(made)))


def test_a_side_that_would_vanish_is_rejected() -> None:
    with pytest.raises(RecordError, match="nothing of the volume would be left"):
        Resize(longest=3)(volume(noise((30, 30, 1))))


def test_channels_are_taken_in_any_order_and_again() -> None:
    made = volume(noise((3, 4, 5), channels=3, dtype=np.int16))
    np.testing.assert_array_equal(Channels(take=(2, 0, 2))(made).voxels, made.voxels[[2, 0, 2]])
    with pytest.raises(RecordError, match="has 3 channels, and `take` asks for more"):
        Channels(take=(3,))(made)
