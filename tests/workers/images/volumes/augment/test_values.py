"""Steps that change values: equal to MONAI's and scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.images.augment.base import AugmentStep
from workers.images.volumes.augment.base import ValueStep
from workers.images.volumes.augment.blur import smoothed
from workers.images.volumes.augment.brightness import Brightness
from workers.images.volumes.augment.contrast import Contrast
from workers.images.volumes.augment.gamma import Gamma, bent
from workers.images.volumes.augment.low_resolution import coarsened
from workers.images.volumes.augment.noise import Noise
from workers.images.volumes.augment.steps import AUGMENT, USUAL, parse_augment

Volume = NDArray[np.float32]


def made(channels: int = 2) -> Volume:
    return np.random.default_rng(1).normal(2, 3, (channels, 9, 8, 7)).astype(np.float32)


@pytest.mark.parametrize("power", [0.7, 1.0, 1.5])
def test_gamma_is_adjust_contrast_of_monai(power: float) -> None:
    transforms = pytest.importorskip("monai.transforms")
    theirs = transforms.AdjustContrast(gamma=power, retain_stats=True)(made())
    assert np.allclose(bent(made(), power), theirs.numpy(), atol=1e-4)


def test_gamma_turned_round_is_that_of_monai() -> None:
    transforms = pytest.importorskip("monai.transforms")
    theirs = transforms.AdjustContrast(gamma=1.3, invert_image=True, retain_stats=True)(made())
    ours = Gamma(power=(1.3, 1.3), inverted=1).changed(made(), np.random.default_rng(0))
    assert np.allclose(ours, theirs.numpy(), atol=1e-4)


def test_brightness_is_scale_intensity_of_monai() -> None:
    transforms = pytest.importorskip("monai.transforms")
    theirs = transforms.ScaleIntensity(minv=None, maxv=None, factor=0.2)(made())
    ours = Brightness(factor=(1.2, 1.2)).changed(made(), np.random.default_rng(0))
    assert np.allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("zoom", [0.5, 0.6, 0.9, 1.0])
def test_low_resolution_is_that_of_monai(zoom: float) -> None:
    transforms = pytest.importorskip("monai.transforms")
    step = transforms.RandSimulateLowResolution(prob=1.0, zoom_range=(zoom, zoom))
    assert np.allclose(coarsened(made(), zoom), step(made()).numpy(), atol=1e-5)


@pytest.mark.parametrize("sigma", [0.5, 0.8, 2.0])
def test_blur_is_the_gaussian_filter_of_scipy(sigma: float) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    theirs = np.stack([ndimage.gaussian_filter(one, sigma, mode="nearest") for one in made()])
    assert np.allclose(smoothed(made(), sigma), theirs, atol=1e-5)


def test_contrast_widens_about_the_mean_and_stays_within_what_was_there() -> None:
    given = made(1)
    found = Contrast(factor=(2, 2)).changed(given, np.random.default_rng(0))
    wide = (given - given.mean()) * 2 + given.mean()
    assert np.allclose(found, wide.clip(given.min(), given.max()), atol=1e-5)
    assert found.std() > given.std()


def test_noise_has_the_variance_that_was_drawn() -> None:
    empty = np.zeros((1, 40, 40, 40), np.float32)
    strength = np.sqrt(np.random.default_rng(5).uniform(0, 4))
    found = Noise(variance=4).changed(empty, np.random.default_rng(5))
    assert found.std() == pytest.approx(strength, rel=0.02)
    assert abs(found.mean()) < 0.05


@pytest.mark.parametrize("name", sorted(set(USUAL) - {"rotate", "scale"}))
def test_a_step_keeps_shape_and_type_and_writes_to_nothing(name: str) -> None:
    (step,) = parse_augment([name])
    assert isinstance(step, ValueStep)
    given = made()
    before = given.copy()
    for given in (made(), np.zeros((1, 4, 4, 1), np.float32)):
        found = step.changed(given, np.random.default_rng(3))
        assert found.dtype == np.float32
        assert found.shape == given.shape
        assert np.isfinite(found).all()
    assert np.array_equal(made(), before)


def test_every_step_is_read_by_its_name_and_the_usual_ones_are_there() -> None:
    for name, step in AUGMENT.items():
        assert issubclass(step, AugmentStep)
        assert step.name == name
    assert [step.name for step in parse_augment(list(USUAL))] == list(USUAL)
