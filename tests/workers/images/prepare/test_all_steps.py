"""What holds for every step: hostile input, no writing to the input, the same bits twice, honest ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.pictures import DTYPES, noise, picture
from workers.images.prepare.image import Image, Step
from workers.images.prepare.plan import run
from workers.images.steps import STEPS, parse_steps

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "bilateral": [{"sigma_value": 20, "sigma_space": 2}],
    "cast": [{"dtype": "uint8"}, {"dtype": "float32"}, {"dtype": "int32", "overflow": "reject"}],
    "channels": [{"to": 1}, {"to": 3}, {"to": 3, "alpha": "white", "order": "bgr"}, {"to": 1, "grey": "mean"}],
    "clahe": [{}],
    "crop": [{"size": [3, 20]}, {"box": [0, 0, 1, 1]}],
    "curvature_flow": [{}, {"method": "anisotropic", "use_spacing": True}],
    "equalise": [{}],
    "gamma": [{"gamma": 0.5}],
    "gaussian": [{"sigma": 1}],
    "median": [{}, {"size": 9}],
    "min_max": [{}],
    "model": [{}],
    "non_local_means": [{"strength": 5, "patch": 3, "search": 5}],
    "pad": [{"multiple_of": 8}, {"square": True, "mode": "reflect"}, {"to": [30, 30]}],
    "percentile": [{}],
    "rescale": [{"factor": 0.1}],
    "resize": [{"size": [5, 9]}, {"shortest_edge": 7, "method": "cubic", "library": "pillow"}],
    "resize_limit": [{"limit": 40}],
    "standardise": [{"mean": 3, "std": 2}],
    "to_uint8": [{}, {"source": "image"}],
    "value_range": [{"low": 0, "high": 255}, {"low": -1, "high": 0.5, "outside": "clip"}],
    "voi": [{}],
    "window": [{"center": 40, "width": 80}],
    "z_score": [{}, {"per_channel": True}],
}
STEP_LIST = [(name, settings) for name, many in SETTINGS.items() for settings in many]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(STEP_LIST)]
SHAPES = [(1, 1), (1, 1, 1), (1, 9), (9, 1, 3), (13, 11), (13, 11, 2), (13, 11, 3), (13, 11, 4), (4, 5, 7)]
every_step = pytest.mark.parametrize(("name", "settings"), STEP_LIST, ids=IDS)


def _step(name: str, settings: dict[str, Any]) -> Step:
    return parse_steps([{name: settings}])[0]


def _applied(step: Step, image: Image) -> Image | None:
    """The image after the step, None where the step rejects it by name as out of contract."""
    try:
        return step(image)
    except RecordError as error:
        if error.status is Status.OUT_OF_CONTRACT and repr(step.name) in error.detail:
            return None
        raise


def test_every_step_is_tried_here() -> None:
    assert set(SETTINGS) == set(STEPS)


@every_step
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_type_and_shape_is_prepared_or_out_of_contract(name: str, settings: dict[str, Any], dtype: str) -> None:
    step = _step(name, settings)
    for shape in SHAPES:
        pixels = noise(*shape, dtype=dtype)
        pixels.flags.writeable = False
        before = pixels.copy()
        image = picture(pixels, spacing=(1.0, 2.0))
        result = _applied(step, image)
        np.testing.assert_array_equal(pixels, before)
        if result is not None:
            assert result.pixels.ndim in (2, 3)
            assert result.pixels.dtype.kind in "uif"
            assert np.isfinite(result.pixels).all()
            np.testing.assert_array_equal(run([step], image), run([step], image))


@every_step
def test_a_constant_image_gives_finite_pixels(name: str, settings: dict[str, Any]) -> None:
    step = _step(name, settings)
    for dtype in ("uint8", "uint16", "float32"):
        for value in (0, 7):
            result = _applied(step, picture(np.full((9, 8), value, dtype), spacing=(1, 1)))
            assert result is None or np.isfinite(result.pixels).all()


@every_step
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinities_never_reach_a_network(name: str, settings: dict[str, Any], bad: float) -> None:
    pixels = np.ones((9, 8), np.float32)
    pixels[0, 0] = bad
    try:
        prepared = run([_step(name, settings)], picture(pixels, (0, 1), spacing=(1, 1)))
    except RecordError as error:
        if error.status is not Status.OUT_OF_CONTRACT:
            raise
    else:
        assert np.isfinite(prepared).all()


@every_step
@pytest.mark.parametrize("pixels", [np.zeros((0, 5), np.uint8), np.zeros((5, 0, 3), np.uint8), np.zeros(5, np.uint8)])
def test_an_image_without_two_axes_of_pixels_is_out_of_contract(
    name: str, settings: dict[str, Any], pixels: Any
) -> None:
    with pytest.raises(RecordError) as caught:
        _step(name, settings)(Image(pixels, (0, 255)))
    assert caught.value.status is Status.OUT_OF_CONTRACT


@every_step
def test_the_result_stays_in_the_range_that_the_step_states(name: str, settings: dict[str, Any]) -> None:
    step = _step(name, settings)
    for dtype in ("uint8", "uint16", "int16"):
        result = _applied(step, picture(noise(13, 11, dtype=dtype), spacing=(1, 1)))
        if result is not None:
            low, high = result.value_range
            slack = 1e-5 * max(1.0, abs(low), abs(high))
            assert result.pixels.min() >= low - slack
            assert result.pixels.max() <= high + slack


@every_step
def test_views_and_strides_do_not_change_the_result(name: str, settings: dict[str, Any]) -> None:
    step = _step(name, settings)
    pixels = noise(13, 11, 3)
    for view in (
        pixels[::-1],
        pixels[:, :, ::-1],
        pixels.transpose(1, 0, 2),
        np.broadcast_to(pixels[:, :, :1], (13, 11, 3)),
    ):
        strided, copied = (_applied(step, picture(array, spacing=(1, 1))) for array in (view, view.copy()))
        assert (strided is None) == (copied is None)
        if strided is not None and copied is not None:
            np.testing.assert_array_equal(strided.pixels, copied.pixels)
