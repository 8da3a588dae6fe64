"""Images and what is true of them are mixed in the same shares."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.images.augment.augmentation import Augmentation
from workers.images.augment.mixup import Mixup


def test_images_and_targets_are_mixed_in_the_same_shares() -> None:
    """Each image holds its own target as its value."""
    targets = np.arange(16, dtype=np.float64)[:, None]
    batch = [np.full((3, 4), target, np.float32) for target in targets[:, 0]]
    images, mixed = Mixup(alpha=1).mixed(batch, targets, np.random.default_rng(2))
    assert np.allclose([image[0, 0] for image in images], mixed[:, 0], atol=1e-5)
    assert (np.abs(mixed - targets) > 0.1).sum() > 8
    assert (mixed >= 0).all()
    assert (mixed <= 15).all()


def test_a_low_alpha_leaves_most_images_nearly_alone() -> None:
    targets = np.arange(400, dtype=np.float64)[:, None]
    batch = [np.zeros((1, 1), np.float32)] * 400
    chance = np.random.default_rng(0)
    shares = {alpha: Mixup(alpha=alpha).mixed(batch, targets % 2, chance)[1] for alpha in (0.05, 5.0)}
    between = {alpha: float(((mixed > 0.1) & (mixed < 0.9)).mean()) for alpha, mixed in shares.items()}
    assert between[0.05] < 0.15
    assert between[5.0] > 0.4


def test_what_is_missing_in_one_of_both_is_missing_in_the_mix() -> None:
    targets = np.array([[1.0, np.nan], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    batch = [np.zeros((2, 2), np.float32)] * 4
    chance = np.random.default_rng(1)
    mixed = Mixup(alpha=1).mixed(batch, targets, chance)[1]
    others = np.random.default_rng(1).permutation(4)
    assert np.array_equal(np.isnan(mixed[:, 1]), (np.arange(4) == 0) | (others == 0))
    assert not np.isnan(mixed[:, 0]).any()


def test_one_that_is_not_done_changes_neither_image_nor_target() -> None:
    targets = np.array([[1.0], [np.nan]] * 50)
    batch = [np.random.default_rng(i).random((2, 2)).astype(np.float32) for i in range(100)]
    images, mixed = Mixup(alpha=1, probability=0.5).mixed(batch, targets, np.random.default_rng(0))
    same = [one is other for one, other in zip(images, batch, strict=True)]
    assert 35 < sum(same) < 65
    assert np.array_equal(mixed[same], targets[same], equal_nan=True)


def test_integers_are_mixed_and_rounded() -> None:
    batch = [np.full((2, 2), value, np.uint8) for value in (0, 255)] * 8
    targets = np.array([[0.0], [1.0]] * 8)
    images, mixed = Mixup(alpha=1).mixed(batch, targets, np.random.default_rng(3))
    assert all(image.dtype == np.uint8 for image in images)
    assert [int(image[0, 0]) for image in images] == np.rint(255 * mixed[:, 0]).astype(int).tolist()


def test_classes_become_shares_of_classes_and_an_unknown_one_stays_unknown() -> None:
    targets = np.array([[0.0], [2.0], [1.0], [np.nan]])
    batch = [np.zeros((2, 2), np.float32)] * 4
    _, plain = Augmentation([Mixup(probability=1e-12)], "classes", 3)(batch, targets, np.random.default_rng(0))
    assert np.array_equal(plain[:3], np.eye(3)[[0, 2, 1]])
    assert np.isnan(plain[3]).all()
    _, mixed = Augmentation([Mixup(alpha=10)], "classes", 3)(batch[:3], targets[:3], np.random.default_rng(0))
    assert np.allclose(mixed.sum(1), 1)
    assert ((mixed > 0.05) & (mixed < 0.95)).any()


def test_images_of_several_shapes_are_an_error_that_names_the_remedy() -> None:
    batch = [np.zeros((2, 2), np.float32), np.zeros((2, 3), np.float32)]
    with pytest.raises(SpecError, match=r"mixup: images of several shapes .* put `resize`"):
        Mixup().mixed(batch, np.zeros((2, 1)), np.random.default_rng(0))


def test_ordered_targets_have_no_shares() -> None:
    with pytest.raises(SpecError, match="augment: mixup is not for ordinal"):
        Augmentation([Mixup()], "ordinal")
