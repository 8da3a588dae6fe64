"""Steps that move voxels: equal to MONAI's and SimpleITK's resampling, one for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from workers.contract import Array
from workers.images.volumes.augment.augmentation import Augmentation, Patch, cut
from workers.images.volumes.augment.elastic import Elastic
from workers.images.volumes.augment.rotate import Rotate, turned
from workers.images.volumes.augment.steps import USUAL, parse_augment
from workers.images.volumes.augment.warp import places, sampled

SHAPE = (11, 9, 7)
SPACING = (1.0, 1.5, 3.0)
MIDDLE = tuple((side - 1) / 2 for side in SHAPE)


def made() -> Array:
    return np.random.default_rng(2).normal(0, 1, (2, *SHAPE)).astype(np.float32)


def labels() -> Array:
    return np.random.default_rng(3).integers(0, 3, SHAPE).astype(np.int16)


def whole() -> Patch:
    return Patch((MIDDLE[0], MIDDLE[1], MIDDLE[2]), SHAPE)


def test_a_resampling_is_that_of_monai() -> None:
    transforms = pytest.importorskip("monai.transforms")
    back = turned([12, -20, 35]) @ np.diag([1.1, 1.1, 1.1])
    affine = np.eye(4)
    affine[:3, :3] = back
    theirs, _ = transforms.Affine(affine=affine, padding_mode="zeros", mode="bilinear")(made())
    ours = sampled(made(), places(MIDDLE, SHAPE, back, (1.0, 1.0, 1.0)))
    assert np.allclose(ours, theirs.numpy(), atol=1e-4)


def test_a_resampling_in_millimetres_is_that_of_simpleitk() -> None:
    sitk = pytest.importorskip("SimpleITK")
    back = turned([10, 25, -15])
    image = sitk.GetImageFromArray(made()[0].transpose(2, 1, 0))
    image.SetSpacing(SPACING)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(back.ravel())
    transform.SetCenter([side * step for side, step in zip(MIDDLE, SPACING, strict=True)])
    theirs = sitk.GetArrayFromImage(sitk.Resample(image, image, transform, sitk.sitkLinear, 0.0)).transpose(2, 1, 0)
    ours = sampled(made()[:1], places(MIDDLE, SHAPE, back, SPACING))[0]
    inner = (slice(2, -2),) * 3
    assert np.abs(ours[inner] - theirs[inner]).max() < 1e-3


def test_a_turn_of_a_right_angle_is_exact() -> None:
    cube = np.random.default_rng(4).normal(0, 1, (1, 5, 5, 5)).astype(np.float32)
    found = sampled(cube, places((2, 2, 2), (5, 5, 5), turned([90, 0, 0]), (1.0, 1.0, 1.0)))
    options = [np.rot90(cube, times, (2, 3)) for times in (1, 3)]
    assert min(np.abs(found - one).max() for one in options) < 1e-4


def test_a_bend_by_one_distance_is_a_shift() -> None:
    at = places(MIDDLE, SHAPE, np.eye(3), SPACING)
    assert np.allclose(sampled(made(), at + at.new_tensor([1, 0, 0]))[:, :-1], made()[:, 1:], atol=1e-5)


def test_a_bend_is_smooth_and_as_strong_as_was_asked_for() -> None:
    far = np.concatenate(
        [
            Elastic(grid_mm=8, std_mm=2).pushed((32, 32, 32), (1, 1, 1), np.random.default_rng(seed)).numpy().ravel()
            for seed in range(20)
        ]
    )
    assert 0.2 < far.std() < 2
    one = Elastic(grid_mm=8, std_mm=2).pushed((32, 32, 32), (1, 1, 1), np.random.default_rng(1))
    assert one.diff(dim=0).abs().max() < 2


def test_without_chance_nothing_changes() -> None:
    shown, truth = Augmentation(())(made(), labels(), whole(), SPACING, np.random.default_rng(0))
    assert np.array_equal(shown, made())
    assert np.array_equal(truth, labels())


def test_a_flip_moves_values_and_labels_alike() -> None:
    steps = parse_augment([{"flip": {"axes": [0, 2]}}])
    seen = set()
    for seed in range(20):
        shown, truth = Augmentation(steps)(made(), labels(), whole(), SPACING, np.random.default_rng(seed))
        sides = [axes for axes in ((), (0,), (2,), (0, 2)) if np.array_equal(np.flip(labels(), axes), truth)]
        assert len(sides) == 1
        assert np.allclose(shown, np.flip(made(), [axis + 1 for axis in sides[0]]), atol=1e-5)
        seen.add(sides[0])
    assert seen == {(), (0,), (2,), (0, 2)}


def test_a_patch_of_a_turned_volume_reads_what_lies_beyond_it_and_no_more() -> None:
    big = np.zeros((1, 200, 30, 30), np.float32)
    big[:, 80:120] = np.random.default_rng(0).normal(0, 1, (1, 40, 30, 30))
    patch = Patch((99.5, 14.5, 14.5), (10, 10, 10))
    steps = parse_augment([{"rotate": {"probability": 1}}, {"scale": {"probability": 1}}])
    one, _ = Augmentation(steps)(big, big[0], patch, SPACING, np.random.default_rng(1))
    chance = np.random.default_rng(1)
    back = np.eye(3)
    for step in steps:
        assert step.is_done(chance)
        back = back @ step.back(chance)
    other = sampled(big, places(patch.middle, patch.size, back, SPACING))
    assert np.allclose(one, other, atol=1e-3)


def test_a_patch_that_is_larger_than_its_volume_is_filled_with_nothing() -> None:
    found = cut(made(), Patch(whole().middle, (15, 9, 3)))
    assert np.array_equal(found[:, 2:-2], made()[:, :, :, 2:5])
    assert not found[:, :2].any()
    assert not found[:, -2:].any()


def test_a_patch_that_lies_beside_its_volume_is_empty() -> None:
    assert not cut(made(), Patch((-50.0, 4.0, 3.0), (4, 4, 4))).any()
    steps = parse_augment([{"rotate": {"probability": 1}}])
    shown, truth = Augmentation(steps)(
        made(), labels(), Patch((-50.0, 4.0, 3.0), (4, 4, 4)), SPACING, np.random.default_rng(0)
    )
    assert not shown.any()
    assert not truth.any()


def test_equal_chance_gives_equal_bits_and_other_chance_others() -> None:
    usual = Augmentation(parse_augment([*USUAL, "elastic"]))
    found = [usual(made(), labels(), whole(), SPACING, np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])
    assert not np.array_equal(found[0][0], found[2][0])


def test_a_turn_keeps_distances_in_millimetres() -> None:
    back = Rotate().back(np.random.default_rng(0))
    assert np.allclose(back @ back.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(back) == pytest.approx(1)
