"""median, gaussian, bilateral, non_local_means, curvature_flow against OpenCV, SciPy and SimpleITK."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from schemas.errors import RecordError
from tests.support.pictures import noise, picture
from workers.images.prepare.bilateral import Bilateral
from workers.images.prepare.curvature_flow import CurvatureFlow
from workers.images.prepare.gaussian import Gaussian
from workers.images.prepare.median import Median
from workers.images.prepare.non_local_means import NonLocalMeans


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int8", "float32"])
@pytest.mark.parametrize("shape", [(41, 37), (23, 31, 2), (23, 31, 3), (19, 17, 5), (5, 4, 1)])
def test_the_median_equals_scipys(size: int, dtype: str, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape, dtype=dtype)
    footprint = (size, size, 1)[: len(shape)]
    expected = ndimage.median_filter(pixels, size=footprint, mode="nearest")
    result = Median(size=size)(picture(pixels)).pixels
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == (np.int16 if dtype == "int8" else dtype)


def test_a_wide_median_is_for_8_bit_only() -> None:
    pixels = noise(41, 37)
    np.testing.assert_array_equal(
        Median(size=9)(picture(pixels)).pixels, ndimage.median_filter(pixels, 9, mode="nearest")
    )
    with pytest.raises(RecordError, match="needs 8 bit pixels"):
        Median(size=9)(picture(pixels.astype(np.uint16)))


@pytest.mark.parametrize(
    ("border", "theirs"), [("reflect101", "mirror"), ("reflect", "reflect"), ("replicate", "nearest")]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-3), ("uint16", 1), ("int16", 1), ("uint8", 1)])
def test_the_gaussian_equals_scipys(border: Any, theirs: Any, dtype: str, tolerance: float) -> None:
    pixels = noise(50, 43, 3, dtype=dtype)
    step = Gaussian(sigma=1.3, size=15, border=border)
    expected = ndimage.gaussian_filter(pixels.astype(np.float64), (1.3, 1.3, 0), radius=(7, 7, 0), mode=theirs)
    result = step(picture(pixels)).pixels
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def test_the_gaussian_without_a_size_equals_opencvs() -> None:
    for dtype in ("uint8", "float32"):
        pixels = noise(50, 43, dtype=dtype)
        np.testing.assert_array_equal(Gaussian(sigma=2)(picture(pixels)).pixels, cv2.GaussianBlur(pixels, (0, 0), 2))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3)])
def test_the_bilateral_filter_equals_opencvs(dtype: str, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape, dtype=dtype)
    result = Bilateral(diameter=7, sigma_value=40, sigma_space=3)(picture(pixels)).pixels
    source = pixels if dtype == "uint8" else pixels.astype(np.float32)
    np.testing.assert_array_equal(result, cv2.bilateralFilter(source, 7, 40, 3))


def test_the_bilateral_filter_keeps_an_edge_that_a_gaussian_blurs() -> None:
    pixels = np.repeat([[0, 200]], 20, axis=1).repeat(9, axis=0).astype(np.uint8)
    kept = Bilateral(diameter=9, sigma_value=5, sigma_space=3)(picture(pixels)).pixels
    np.testing.assert_array_equal(kept, pixels)


def test_non_local_means_equals_opencvs() -> None:
    grey, colour, deep = noise(30, 26), noise(30, 26, 3), noise(30, 26, dtype="uint16")
    step = NonLocalMeans(strength=9, patch=5, search=11)
    np.testing.assert_array_equal(step(picture(grey)).pixels, cv2.fastNlMeansDenoising(grey, None, 9, 5, 11))
    np.testing.assert_array_equal(step(picture(colour)).pixels, cv2.fastNlMeansDenoising(colour, None, 9, 5, 11))
    expected = cv2.fastNlMeansDenoising(deep, [9.0], None, 5, 11, cv2.NORM_L1)
    np.testing.assert_array_equal(step(picture(deep)).pixels, expected)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_non_local_means_says_what_it_does_not_take(dtype: str) -> None:
    with pytest.raises(RecordError, match="needs uint8 or uint16"):
        NonLocalMeans(strength=3)(picture(noise(9, 9, dtype=dtype)))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_curvature_flow_equals_simpleitks(dtype: str) -> None:
    pixels = noise(33, 29, dtype=dtype)
    source = sitk.GetImageFromArray(pixels.astype(np.float32))
    expected = sitk.GetArrayFromImage(sitk.CurvatureFlow(source, 0.1, 4))
    result = CurvatureFlow(iterations=4, time_step=0.1)(picture(pixels)).pixels
    np.testing.assert_array_equal(result, expected.astype(np.float32))
    assert result.dtype == np.float32


def test_anisotropic_diffusion_equals_simpleitks_and_sees_the_spacing() -> None:
    pixels = noise(33, 29, dtype="float32")
    step = CurvatureFlow(method="anisotropic", iterations=3, time_step=0.06, conductance=2, use_spacing=True)
    source = sitk.GetImageFromArray(pixels)
    source.SetSpacing((0.8, 1.5))
    expected = sitk.CurvatureAnisotropicDiffusion(source, 0.06, 2.0, 1, 3)
    result = step(picture(pixels, spacing=(1.5, 0.8))).pixels
    np.testing.assert_array_equal(result, sitk.GetArrayFromImage(expected))
    with pytest.raises(RecordError, match="no spacing"):
        step(picture(pixels))


def test_curvature_flow_treats_each_channel_on_its_own() -> None:
    pixels = noise(21, 20, 3)
    result = CurvatureFlow()(picture(pixels)).pixels
    for channel in range(3):
        np.testing.assert_array_equal(result[:, :, channel], CurvatureFlow()(picture(pixels[:, :, channel])).pixels)
