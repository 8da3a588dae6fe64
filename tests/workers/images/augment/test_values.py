"""Intensity, noise, blur and cutout change values as they say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from workers.contract import Array
from workers.images.augment.base import PixelStep
from workers.images.augment.blur import Blur, smoothed
from workers.images.augment.cutout import Cutout
from workers.images.augment.intensity import Intensity, adjusted
from workers.images.augment.noise import Noise

STEPS = [
    Intensity(brightness=0.3, contrast=2, gamma=2),
    Noise(std=0.3),
    Blur(sigma=2),
    Cutout(holes=3, side=0.5),
]


def picture(*shape: int) -> Array:
    return np.random.default_rng(3).random(shape or (28, 31)).astype(np.float32)


def test_gamma_is_what_monai_gives() -> None:
    from monai.transforms import AdjustContrast

    pixels = picture() * 300 - 100
    want = np.asarray(AdjustContrast(gamma=1.7)(pixels))
    assert np.allclose(adjusted(pixels, 0, 1, 1.7), want, atol=1e-3)


def test_contrast_keeps_the_mean_and_widens_the_rest() -> None:
    pixels = picture() * 50 + 10
    found = adjusted(pixels, 0, 1.5, 1)
    assert found.mean() == pytest.approx(pixels.mean(), rel=1e-5)
    assert found.std() == pytest.approx(1.5 * pixels.std(), rel=1e-5)


def test_brightness_adds_a_share_of_the_range() -> None:
    pixels = picture() * 50 + 10
    width = pixels.max() - pixels.min()
    assert np.allclose(adjusted(pixels, 0.2, 1, 1) - pixels, 0.2 * width, atol=1e-4)


def test_integers_are_held_to_what_their_type_has() -> None:
    pixels = np.array([[0, 100, 250]], np.uint8)
    assert adjusted(pixels, 0.5, 1, 1).tolist() == [[125, 225, 255]]
    assert adjusted(pixels, -0.5, 1, 1).tolist() == [[0, 0, 125]]


def test_amounts_of_intensity_go_both_ways_and_no_farther() -> None:
    pixels = np.linspace(0, 1, 11, dtype=np.float32)[None]
    chance = np.random.default_rng(0)
    spreads = [float(Intensity(contrast=2, gamma=1).changed(pixels, chance).std()) for _ in range(300)]
    assert 0.5 <= min(spreads) / pixels.std() < 0.52
    assert 1.95 < max(spreads) / pixels.std() <= 2 + 1e-5


def test_noise_has_the_strength_that_it_says_and_no_mean() -> None:
    pixels = np.zeros((400, 400), np.float32)
    pixels[0, 0] = 100
    chance = np.random.default_rng(0)
    added = [Noise(std=0.1).changed(pixels, chance) - pixels for _ in range(20)]
    stds = [one.std() for one in added]
    assert 8 < max(stds) <= 10.1
    assert min(stds) < 2
    assert abs(np.mean(added)) < 0.02
    assert abs(np.corrcoef(added[0][:-1].ravel(), added[0][1:].ravel())[0, 1]) < 0.02


def test_every_channel_has_noise_of_its_own() -> None:
    pixels = np.repeat(picture(50, 50, 1), 3, axis=2)
    found = Noise(std=0.5).changed(pixels, np.random.default_rng(0))
    assert not np.array_equal(found[:, :, 0], found[:, :, 1])


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.7])
def test_blur_is_what_scipy_gives(sigma: float) -> None:
    pixels = picture()
    want = ndimage.gaussian_filter(pixels.astype(np.float64), sigma, mode="mirror", truncate=4)
    assert np.allclose(smoothed(pixels, sigma), want, atol=1e-5)


def test_blur_of_nothing_gives_the_very_image() -> None:
    pixels = picture()
    assert smoothed(pixels, 0.01) is pixels


def test_a_hole_is_a_rectangle_of_the_mean_no_larger_than_it_may_be() -> None:
    pixels = picture(40, 20)
    sides = []
    for seed in range(200):
        found = Cutout(side=0.5).changed(pixels, np.random.default_rng(seed))
        rows, columns = np.nonzero(found != pixels)
        assert np.allclose(found[rows, columns], pixels.mean())
        box = (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
        assert box[0] * box[1] == len(rows)
        sides.append(box)
    assert np.max(sides, axis=0).tolist() == [20, 10]


def test_holes_may_have_the_lowest_value_of_each_channel() -> None:
    pixels = picture(20, 20, 2) + np.array([0, 5], np.float32)
    found = Cutout(fill="lowest").changed(pixels, np.random.default_rng(1))
    changed = (found != pixels).any(axis=2)
    assert changed.any()
    assert np.array_equal(np.unique(found[changed], axis=0), pixels.min(axis=(0, 1))[None])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("shape", [(12, 9), (12, 9, 1), (12, 9, 3), (1, 1)])
def test_a_step_keeps_shape_and_type_and_what_it_was_given(step: PixelStep, dtype: str, shape: tuple[int, ...]) -> None:
    pixels = (picture(*shape) * 100).astype(dtype)
    before = pixels.copy()
    found = step.changed(pixels, np.random.default_rng(5))
    assert found.shape == shape
    assert found.dtype == pixels.dtype
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("step", STEPS[:2], ids=lambda step: step.name)
def test_an_image_of_one_value_stays_as_it_is(step: PixelStep) -> None:
    pixels = np.full((5, 5), 7, np.int16)
    assert np.array_equal(step.changed(pixels, np.random.default_rng(0)), pixels)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_equal_generators_give_equal_images_and_the_next_draw_another(step: PixelStep) -> None:
    pixels = picture()
    chance = np.random.default_rng(9)
    draws = [step.changed(pixels, chance) for _ in range(3)]
    assert np.array_equal(draws[0], step.changed(pixels, np.random.default_rng(9)))
    assert not any(np.array_equal(one, other) for one, other in pairwise(draws))
