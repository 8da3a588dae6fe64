"""standardise, rescale, z_score, min_max, percentile, to_uint8, cast against MONAI and numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.transforms import NormalizeIntensity, ScaleIntensity, ScaleIntensityRangePercentiles

from schemas.errors import RecordError
from tests.support.pictures import DTYPES, noise, picture
from workers.images.prepare.cast import Cast
from workers.images.prepare.image import ANY
from workers.images.prepare.min_max import MinMax
from workers.images.prepare.percentile import Percentile, percentiles
from workers.images.prepare.rescale import Rescale
from workers.images.prepare.standardise import Standardise
from workers.images.prepare.to_uint8 import ToUint8
from workers.images.prepare.z_score import ZScore, moments

FINITE = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-1e6, 1e6, width=32)
)


def _monai(transform: object, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(transform(pixels[np.newaxis].astype(np.float64)))[0]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_z_scores_equal_monais(dtype: str) -> None:
    pixels = noise(31, 29, dtype=dtype)
    np.testing.assert_allclose(
        ZScore()(picture(pixels)).pixels, _monai(NormalizeIntensity(), pixels), rtol=0, atol=2e-6
    )


def test_z_scores_of_each_channel_equal_monais() -> None:
    pixels = noise(31, 29, 3).astype(np.float32) * np.array([1, 5, 0], np.float32)
    expected = np.asarray(NormalizeIntensity(channel_wise=True)(pixels.transpose(2, 0, 1).astype(np.float64)))
    result = ZScore(per_channel=True)(picture(pixels)).pixels
    np.testing.assert_allclose(result, expected.transpose(1, 2, 0), rtol=0, atol=2e-6)
    assert not result[:, :, 2].any()


@given(st.floats(-1e6, 1e6, width=32))
def test_a_constant_image_has_z_scores_of_zero(value: float) -> None:
    result = ZScore()(picture(np.full((5, 7), value, np.float32)))
    assert not result.pixels.any()
    assert result.value_range == (0, 0)


@given(FINITE)
def test_min_max_reaches_both_ends_exactly(pixels: np.ndarray) -> None:
    result = MinMax(output=(-1, 1))(picture(pixels)).pixels
    assert result.min() == -1
    assert result.max() == (1 if pixels.min() < pixels.max() else -1)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_min_max_and_percentile_equal_monais(dtype: str) -> None:
    pixels = noise(37, 30, dtype=dtype)
    np.testing.assert_allclose(MinMax()(picture(pixels)).pixels, _monai(ScaleIntensity(), pixels), rtol=0, atol=2e-6)
    theirs = ScaleIntensityRangePercentiles(2, 97.5, -1, 3, clip=True)
    result = Percentile(low=2, high=97.5, output=(-1, 3))(picture(pixels))
    np.testing.assert_allclose(result.pixels, _monai(theirs, pixels), rtol=0, atol=4e-6)
    assert result.value_range == (-1, 3)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("shape", [(300, 301), (257, 256, 3), (5, 5)])
def test_counting_large_images_gives_what_sorting_and_summing_give(dtype: str, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape, dtype=dtype)
    for percents in ((0, 100), (1, 99), (33.3, 66.7)):
        assert percentiles(pixels, percents) == pytest.approx(tuple(np.percentile(pixels.astype(float), percents)))
    assert moments(pixels) == pytest.approx((pixels.mean(dtype=np.float64), pixels.std(dtype=np.float64)))


def test_percentiles_of_a_nearly_constant_image_give_the_low_end() -> None:
    pixels = np.zeros((20, 20), np.uint8)
    pixels[0, 0] = 9
    assert not Percentile()(picture(pixels)).pixels.any()


def test_standardise_is_float32_arithmetic_in_its_order() -> None:
    pixels = noise(9, 8, 3)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    expected = (pixels.astype(np.float32) * np.float32(1 / 255) - np.float32(mean)) / np.float32(std)
    result = Standardise(scale=1 / 255, mean=mean, std=std)(picture(pixels))
    np.testing.assert_array_equal(result.pixels, expected)
    assert result.pixels.dtype == np.float32
    np.testing.assert_allclose(result.value_range, (-2, 3), rtol=1e-6)


def test_one_number_serves_all_channels_and_a_wrong_count_is_rejected() -> None:
    one = Standardise.model_validate({"mean": 3, "std": [2]})
    assert one(picture(noise(4, 4, 5))).pixels.shape == (4, 4, 5)
    three = Standardise(mean=(1, 2, 3))
    for pixels in (noise(4, 4), noise(4, 4, 1), noise(4, 4, 4)):
        with pytest.raises(RecordError, match="put `channels` before it"):
            three(picture(pixels))


@pytest.mark.parametrize("settings", [{"std": 0}, {"std": 1e-60}, {"mean": [1, 2], "std": [1, 2, 3]}, {"mean": []}])
def test_numbers_that_cannot_standardise_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"std|mean"):
        Standardise.model_validate(settings)


def test_rescale_multiplies_the_range_too() -> None:
    result = Rescale(factor=-0.5)(picture(noise(4, 4)))
    assert result.value_range == (-127.5, 0)
    np.testing.assert_array_equal(result.pixels, noise(4, 4) * np.float32(-0.5))


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "bool"])
def test_to_uint8_is_the_range_linearly_and_rounded(dtype: str) -> None:
    pixels = noise(300, 301, dtype=dtype)
    image = picture(pixels)
    low, high = image.value_range
    expected = np.rint(np.clip((pixels.astype(np.float64) - low) * (255 / (high - low)), 0, 255))
    result = ToUint8()(image)
    np.testing.assert_array_equal(result.pixels, expected)
    assert (result.pixels.dtype, result.value_range) == (np.uint8, (0, 255))


def test_to_uint8_by_the_image_spreads_it_over_all_values() -> None:
    result = ToUint8(source="image")(picture(noise(9, 9, dtype="float32"), (-np.inf, np.inf))).pixels
    assert (result.min(), result.max()) == (0, 255)
    assert not ToUint8(source="image")(picture(np.full((3, 3), 7, np.uint8))).pixels.any()


def test_to_uint8_leaves_8_bit_alone_and_needs_a_range() -> None:
    image = picture(noise(4, 4))
    assert ToUint8()(image) is image
    with pytest.raises(RecordError, match="no range"):
        ToUint8()(picture(noise(4, 4, dtype="float32"), (-np.inf, np.inf)))


@given(
    hnp.arrays(np.float64, (3, 4), elements=st.floats(allow_nan=False)), st.sampled_from(["uint8", "int16", "int32"])
)
def test_cast_clips_to_the_nearest_value_of_the_type(pixels: np.ndarray, dtype: str) -> None:
    ends = np.iinfo(dtype)
    result = Cast(dtype=dtype)(picture(pixels, (-1e9, 1e9)))
    np.testing.assert_array_equal(result.pixels, np.clip(np.rint(pixels), ends.min, ends.max))
    assert result.pixels.dtype == dtype
    assert result.value_range == ((-1e9, 1e9) if ends.max > 1e9 else ANY)


@pytest.mark.parametrize(
    ("rounding", "expected"), [("nearest", [0, 2, -2]), ("floor", [0, 1, -2]), ("truncate", [0, 1, -1])]
)
def test_cast_rounds_as_told(rounding: str, expected: list[int]) -> None:
    result = Cast(dtype="int16", rounding=rounding)(picture(np.array([[0.5, 1.5, -1.6]])))
    assert result.pixels.tolist() == [expected]


@pytest.mark.parametrize("source", [name for name in DTYPES if name != "bool"])
@pytest.mark.parametrize("target", ["uint8", "uint16", "int16", "int32", "float32"])
def test_cast_between_any_two_types_keeps_what_fits(source: str, target: str) -> None:
    pixels = np.array([[0, 1, 5, 100, 127]], source)
    np.testing.assert_array_equal(Cast(dtype=target)(picture(pixels)).pixels, pixels)
    extremes = noise(30, 30, dtype=source)
    with np.errstate(invalid="ignore"):
        clipped = Cast(dtype=target)(picture(extremes)).pixels
    if target != "float32":
        ends = np.iinfo(target)
        exact = [min(max(round(float(value)), ends.min), ends.max) for value in extremes.ravel()]
        np.testing.assert_array_equal(clipped.ravel(), exact)


def test_cast_rejects_what_it_is_told_to_and_nan() -> None:
    with pytest.raises(RecordError, match="cannot hold"):
        Cast(dtype="uint8", overflow="reject")(picture(np.array([[256]])))
    with pytest.raises(RecordError, match="cannot hold"):
        Cast(dtype="float32", overflow="reject")(picture(np.array([[1e300]])))
    with pytest.raises(RecordError, match="NaN"):
        Cast(dtype="uint8")(picture(np.array([[np.nan]])))
    assert np.isfinite(Cast(dtype="float32")(picture(np.array([[1e300]]))).pixels).all()
