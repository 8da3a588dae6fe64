from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from monai import transforms as monai

from schemas.errors import RecordError, SpecError
from tests.support.made_volumes import noise, of_monai, volume
from workers.images.volumes.prepare.clip import Clip
from workers.images.volumes.prepare.n4 import N4
from workers.images.volumes.prepare.percentile import Percentile
from workers.images.volumes.prepare.scale_range import ScaleRange
from workers.images.volumes.prepare.z_score import ZScore
from workers.images.volumes.steps import parse_steps


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("output", [(0.0, 1.0), (-1.0, 1.0), None])
def test_a_range_is_scaled_as_monai_scales_it_to_the_bit(dtype: Any, clip: bool, output: Any) -> None:
    made = volume(noise((7, 8, 9), channels=2, dtype=dtype))
    theirs = monai.ScaleIntensityRange(-175, 250, *(output or (None, None)), clip=clip and output is not None)
    result = ScaleRange(low=-175, high=250, output=output, clip=clip)(made)
    np.testing.assert_array_equal(result.voxels, theirs(of_monai(made)).numpy())
    assert result.voxels.dtype == np.float32


@pytest.mark.parametrize("channel_wise", [True, False])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("clip", [True, False])
def test_percentiles_are_those_of_monai(channel_wise: bool, relative: bool, clip: bool) -> None:
    made = volume(noise((7, 8, 9), channels=2) * np.array([1, 5], np.float32)[:, None, None, None])
    settings: Any = {"clip": clip, "relative": relative, "channel_wise": channel_wise}
    result = Percentile(low=2, high=97.5, output=(0, 10), **settings)(made)
    expected = monai.ScaleIntensityRangePercentiles(2, 97.5, 0, 10, **settings)(of_monai(made))
    np.testing.assert_allclose(result.voxels, expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_percentiles_of_whole_numbers_are_those_of_their_floats(dtype: Any) -> None:
    made = noise((40, 50, 40), dtype=dtype)
    counted = Percentile(low=0.5, high=99.5)(volume(made)).voxels
    np.testing.assert_allclose(
        counted, Percentile(low=0.5, high=99.5)(volume(made.astype(np.float32))).voxels, atol=1e-6
    )


def test_a_constant_volume_becomes_the_low_end() -> None:
    made = volume(np.full((1, 4, 4, 4), 7, np.float32))
    expected = monai.ScaleIntensityRangePercentiles(1, 99, -1, 1)(of_monai(made))
    np.testing.assert_array_equal(Percentile(low=1, high=99, output=(-1, 1))(made).voxels, expected.numpy())


@pytest.mark.parametrize("channel_wise", [True, False])
def test_values_are_clipped_as_monai_and_numpy_clip_them(channel_wise: bool) -> None:
    made = volume(noise((7, 8, 9), channels=2))
    theirs = monai.ClipIntensityPercentiles(0.5, 99.5, channel_wise=channel_wise)(of_monai(made))
    result = Clip(low=0.5, high=99.5, percentiles=True, channel_wise=channel_wise)(made)
    np.testing.assert_allclose(result.voxels, theirs.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(Clip(low=-100, high=240)(made).voxels, np.clip(made.voxels, -100, 240))


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
@pytest.mark.parametrize("channel_wise", [True, False])
@pytest.mark.parametrize("nonzero", [True, False])
@pytest.mark.parametrize("given", [(None, None), ((10.0,), (3.0,)), (None, (0.0,)), ((-5.0,), None)])
def test_z_scores_are_those_of_monai(dtype: Any, channel_wise: bool, nonzero: bool, given: Any) -> None:
    voxels = noise((7, 8, 9), channels=2, dtype=dtype)
    voxels[:, :3] = 0
    made = volume(voxels)
    mean, std = (None if one is None else one * (2 if channel_wise else 1) for one in given)
    theirs = monai.NormalizeIntensity(
        *(None if one is None else one if channel_wise else one[0] for one in (mean, std)),
        nonzero=nonzero,
        channel_wise=channel_wise,
    )
    result = ZScore(mean=mean, std=std, nonzero=nonzero, channel_wise=channel_wise)(made)
    np.testing.assert_allclose(result.voxels, theirs(of_monai(made)).numpy(), rtol=1e-5, atol=1e-5)
    assert result.voxels.dtype == np.float32


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize("nonzero", [True, False])
def test_a_constant_volume_has_z_scores_of_0(value: float, nonzero: bool) -> None:
    made = volume(np.full((1, 4, 4, 4), value, np.float32))
    assert not ZScore(nonzero=nonzero)(made).voxels.any()


def test_moments_of_large_values_are_exact_enough() -> None:
    made = volume((noise((30, 40, 50), scale=1) + 1e6).astype(np.float32))
    result = ZScore()(made).voxels.astype(np.float64)
    assert abs(result.mean()) < 1e-2
    assert result.std() == pytest.approx(1, abs=1e-3)


def test_the_numbers_given_are_as_many_as_the_channels() -> None:
    with pytest.raises(RecordError, match="has 1 channels, and mean or std has 2 numbers"):
        ZScore(mean=(1, 2), std=(1, 1), channel_wise=True)(volume(noise((3, 3, 3))))
    with pytest.raises(SpecError, match="mean has one number, or channel_wise is true"):
        parse_steps([{"z_score": {"mean": [1, 2]}}])


@pytest.mark.parametrize("step", [Percentile(low=1, high=99), ZScore(), Clip(low=1, high=99, percentiles=True), N4()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinities_are_rejected_where_they_would_decide_all_voxels(step: Any, bad: float) -> None:
    voxels = noise((4, 4, 4))
    voxels[0, 0, 0, 0] = bad
    with pytest.raises(RecordError, match=f"prepare step '{step.name}': the volume has NaN or infinite values"):
        step(volume(voxels))


@pytest.mark.parametrize("mask", ["otsu", "above_zero", "none"])
def test_the_bias_field_is_that_of_simpleitk(mask: Any) -> None:
    i, j, k = np.mgrid[:24, :25, :26]
    body = ((i - 12) ** 2 + (j - 12) ** 2 + (k - 13) ** 2 < 100) * (
        100 + 5 * np.random.default_rng(0).normal(size=i.shape)
    )
    voxels = (body * np.exp(i / 30)).astype(np.float32)[None]
    result = N4(shrink=2, iterations=(10, 10), mask=mask)(volume(voxels)).voxels[0]
    image = sitk.GetImageFromArray(voxels[0])
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations([10, 10])
    masks = {"otsu": sitk.OtsuThreshold(image, 0, 1, 200), "above_zero": image > 0, "none": None}
    chosen = [] if masks[mask] is None else [sitk.Shrink(masks[mask], [2, 2, 2])]
    corrector.Execute(sitk.Shrink(image, [2, 2, 2]), *chosen)
    expected = image / sitk.Exp(corrector.GetLogBiasFieldAsImage(image))
    np.testing.assert_allclose(result, sitk.GetArrayFromImage(expected), rtol=1e-4, atol=1e-3)


def test_a_volume_that_is_too_small_or_black_for_a_bias_field_is_rejected() -> None:
    with pytest.raises(RecordError, match=r"prepare step 'n4': (no bias field|the mask is empty)"):
        N4()(volume(np.zeros((1, 8, 8, 8), np.float32)))


def test_the_bias_field_has_the_same_bits_each_time() -> None:
    voxels = noise((24, 25, 26)) ** 2 + 1
    step = N4(shrink=2, iterations=(5, 5), mask="none")
    assert len({step(volume(voxels)).voxels.tobytes() for _ in range(12)}) == 1
