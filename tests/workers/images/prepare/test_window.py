from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.pixels import apply_windowing

from schemas.errors import SpecError
from tests.support.pictures import noise, picture
from workers.images.prepare.window import Window
from workers.images.steps import parse_steps


def _header(center: float, width: float, function: str, photometric: str = "MONOCHROME2") -> Dataset:
    header = Dataset()
    header.PhotometricInterpretation = photometric
    header.BitsStored, header.PixelRepresentation = 8, 0
    header.WindowCenter, header.WindowWidth, header.VOILUTFunction = center, width, function.upper()
    return header


@pytest.mark.parametrize("function", ["linear", "linear_exact", "sigmoid"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float64"])
@pytest.mark.parametrize(("center", "width"), [(40, 400), (127.5, 1.0), (0, 2.5), (300, 1500)])
def test_a_window_equals_pydicoms(function: str, dtype: str, center: float, width: float) -> None:
    pixels = noise(300, 301, dtype=dtype) if dtype != "int32" else noise(300, 301, dtype="int16").astype("int32")
    expected = apply_windowing(pixels, _header(center, width, function))
    result = Window(center=center, width=width, function=function)(picture(pixels))
    assert result.pixels.dtype == np.float32
    assert result.value_range == (0, 255)
    np.testing.assert_allclose(result.pixels, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("function", ["linear", "linear_exact", "sigmoid"])
def test_a_window_on_monochrome1_is_pydicoms_seen_in_the_mirror(function: str) -> None:
    stored = noise(40, 50, dtype="uint8")
    header = _header(90, 60, function, "MONOCHROME1")
    expected = 255 - apply_windowing(stored, header)
    result = Window(center=90, width=60, function=function)(picture(255 - stored, (0, 255), dataset=header))
    np.testing.assert_allclose(result.pixels, expected, rtol=0, atol=2e-5)


@given(st.floats(-1e4, 1e4), st.floats(1, 1e4), st.sampled_from(["linear", "linear_exact", "sigmoid"]))
def test_the_result_rises_with_the_value_and_stays_in_the_output_range(center: float, width: float, name: str) -> None:
    pixels = np.linspace(-2e4, 2e4, 200).reshape(10, 20)
    result = Window(center=center, width=width, function=name, output=(-1, 1))(picture(pixels)).pixels
    assert (np.diff(result.ravel()) >= 0).all()
    assert result.min() >= -1
    assert result.max() <= 1


def test_infinities_become_the_ends_and_nan_stays() -> None:
    pixels = np.array([[-np.inf, np.inf, np.nan]])
    for width in (1.0, 50.0):
        result = Window(center=0, width=width, output=(2, 3))(picture(pixels)).pixels
        np.testing.assert_array_equal(result, np.array([[2, 3, np.nan]], np.float32))


@pytest.mark.parametrize("settings", [{"width": 0.5}, {"width": 0}, {"width": -3}, {"width": 9, "output": [1, 1]}])
def test_a_window_that_dicom_does_not_allow_is_a_spec_error(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="window"):
        parse_steps([{"window": {"center": 1, **settings}}])
