from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from rapidocr_onnxruntime.ch_ppocr_det.utils import DetPreProcess
from transformers.image_transforms import get_resize_output_image_size, get_size_with_aspect_ratio

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from tests.support.pictures import DTYPES, noise, picture
from workers.images.prepare.channels import Channels
from workers.images.prepare.plan import run, split
from workers.images.prepare.resize import Resize
from workers.images.prepare.resize_limit import ResizeLimit
from workers.images.steps import parse_steps

SHAPES = [(37, 61), (61, 37, 3), (1, 1), (5, 1, 3), (40, 40, 1)]
SIDES = st.integers(1, 300)
OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
PILLOW = {
    "nearest": Pillow.Resampling.NEAREST,
    "bilinear": Pillow.Resampling.BILINEAR,
    "area": Pillow.Resampling.BOX,
    "cubic": Pillow.Resampling.BICUBIC,
    "lanczos": Pillow.Resampling.LANCZOS,
    "hamming": Pillow.Resampling.HAMMING,
}


@pytest.mark.parametrize("method", OPENCV)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(24, 50), (80, 33)])
def test_by_default_it_equals_opencv(method: Any, dtype: str, shape: tuple[int, ...], size: tuple[int, int]) -> None:
    pixels = noise(*shape, dtype=dtype)
    result = Resize(size=size, method=method)(picture(pixels)).pixels
    expected = cv2.resize(pixels, size[::-1], interpolation=OPENCV[method])
    np.testing.assert_array_equal(result, expected.reshape(*size, *shape[2:]))
    assert result.dtype == dtype


@pytest.mark.parametrize("method", PILLOW)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(24, 50), (80, 33)])
def test_with_pillow_it_equals_pil_bit_by_bit(method: Any, shape: tuple[int, ...], size: tuple[int, int]) -> None:
    pixels = noise(*shape)
    result = Resize(size=size, method=method, library="pillow")(picture(pixels)).pixels
    expected = Pillow.fromarray(pixels.squeeze(2) if shape[2:] == (1,) else pixels).resize(size[::-1], PILLOW[method])
    np.testing.assert_array_equal(result, np.asarray(expected).reshape(*size, *shape[2:]))


def test_with_pillow_other_types_are_resampled_as_float32() -> None:
    for dtype in ("uint16", "int16", "float64"):
        pixels = noise(30, 20, 2, dtype=dtype)
        result = Resize(size=(7, 9), method="cubic", library="pillow")(picture(pixels)).pixels
        for channel in range(2):
            plane = Pillow.fromarray(pixels[:, :, channel].astype(np.float32))
            np.testing.assert_array_equal(result[:, :, channel], plane.resize((9, 7), Pillow.Resampling.BICUBIC))


@pytest.mark.parametrize("library", ["opencv", "pillow"])
def test_grey_repeated_is_resampled_once_with_the_same_result(library: Any) -> None:
    pixels = noise(40, 31)
    step = Resize(size=(20, 22), library=library)
    shared = step(Channels(to=3)(picture(pixels))).pixels
    assert shared.strides[2] == 0
    np.testing.assert_array_equal(shared, step(picture(np.repeat(pixels[:, :, None], 3, axis=2))).pixels)


@given(SIDES, SIDES, st.integers(1, 400))
def test_the_shortest_edge_is_cut_as_transformers_cuts_it(height: int, width: int, edge: int) -> None:
    image = np.empty((1, height, width))
    expected = get_resize_output_image_size(image, edge, default_to_square=False, input_data_format="channels_first")
    assert Resize(shortest_edge=edge).target(height, width) == expected


@given(SIDES, SIDES, st.integers(1, 400), st.integers(1, 600))
def test_both_edges_are_cut_as_transformers_cuts_them(height: int, width: int, short: int, long: int) -> None:
    expected = get_size_with_aspect_ratio((height, width), short, long)
    result = Resize(shortest_edge=short, longest_edge=long).target(height, width)
    assert result == tuple(max(1, side) for side in expected)


@given(SIDES, SIDES, st.integers(1, 400), st.integers(1, 64))
def test_the_longest_edge_has_its_length_and_multiples_are_kept(height: int, width: int, edge: int, many: int) -> None:
    rows, columns = Resize(longest_edge=edge).target(height, width)
    assert max(rows, columns) == edge
    assert min(rows, columns) >= 1
    rows, columns = Resize(longest_edge=edge, multiple_of=many).target(height, width)
    assert (rows % many, columns % many) == (0, 0)
    assert min(rows, columns) >= many


@given(SIDES, SIDES, st.integers(1, 60), st.integers(1, 60))
def test_with_keep_aspect_the_whole_image_lies_inside(height: int, width: int, rows: int, columns: int) -> None:
    step = Resize(size=(rows, columns), method="nearest", keep_aspect=True, pad=9)
    result = step(picture(np.ones((height, width), np.uint8))).pixels
    inner = step.target(height, width)
    assert result.shape == (rows, columns)
    assert inner[0] == rows or inner[1] == columns
    assert (result == 1).sum() == inner[0] * inner[1]
    assert (result == 9).sum() == result.size - inner[0] * inner[1]


def test_padding_goes_around_the_image_or_below_and_right_of_it() -> None:
    image = picture(np.ones((2, 4), np.uint8))
    around = Resize(size=(5, 4), keep_aspect=True)(image).pixels
    below = Resize(size=(5, 4), keep_aspect=True, anchor="top_left")(image).pixels
    assert around[:, 0].tolist() == [0, 1, 1, 0, 0]
    assert below[:, 0].tolist() == [1, 1, 0, 0, 0]


def test_a_pad_value_that_the_type_cannot_hold_is_rejected() -> None:
    with pytest.raises(RecordError, match="cannot hold the pad value -1000"):
        Resize(size=(9, 9), keep_aspect=True, pad=-1000)(picture(noise(3, 5)))


def test_the_spacing_grows_as_the_image_shrinks() -> None:
    result = Resize(size=(10, 5), keep_aspect=True)(picture(noise(40, 10), spacing=(0.5, 0.25)))
    assert result.spacing == pytest.approx((2.0, 0.25 * 10 / 2))


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name not in ("uint8", "uint16", "int16", "float32")])
@pytest.mark.parametrize("library", ["opencv", "pillow"])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_types_that_the_libraries_lack_become_float32(dtype: str, library: Any, method: Any) -> None:
    pixels = np.arange(12).reshape(3, 4).astype(dtype)
    result = Resize(size=(6, 8), method=method, library=library)(picture(pixels)).pixels
    assert result.dtype == (np.uint8 if dtype == "bool" else np.float32)
    assert (result.min(), result.max()) == (pixels.min(), pixels.max())


@pytest.mark.parametrize("step", [Resize(shortest_edge=224), ResizeLimit()])
def test_a_hostile_aspect_ratio_is_rejected_before_memory_is_taken(step: Resize | ResizeLimit) -> None:
    with pytest.raises(RecordError, match="too long and narrow") as caught:
        step(picture(np.zeros((16, 16_000_000), np.uint8)))
    assert caught.value.status is Status.OUT_OF_CONTRACT


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"size": [4, 4], "shortest_edge": 3},
        {"shortest_edge": 3, "keep_aspect": True},
        {"size": [4, 4], "multiple_of": 32},
        {"size": [4, 4], "method": "hamming"},
        {"size": [0, 4]},
        {"size": 4},
        {"size": [4, 4], "method": "bicubic"},
    ],
)
def test_settings_that_contradict_each_other_are_a_spec_error(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="resize"):
        parse_steps([{"resize": settings}])


@pytest.mark.parametrize("limit_type", ["min", "max"])
@pytest.mark.parametrize("limit", [64, 96])
@pytest.mark.parametrize("shape", [(50, 90, 3), (200, 70, 3), (64, 64, 3), (33, 47, 3), (300, 17, 3), (95, 97, 3)])
def test_resize_limit_equals_rapidocrs(limit_type: Any, limit: int, shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    expected = DetPreProcess(limit, limit_type).resize(pixels)
    step = ResizeLimit(limit=limit, limit_type=limit_type)
    if expected is None:
        with pytest.raises(RecordError, match="rounds to 0"):
            step(picture(pixels))
    else:
        np.testing.assert_array_equal(step(picture(pixels)).pixels, expected)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(16, 2000), st.sampled_from(["min", "max"]))
def test_resize_limit_gives_the_size_of_rapidocrs_formula(height: int, width: int, limit: int, kind: Any) -> None:
    rows, columns = ResizeLimit(limit=limit, limit_type=kind).target(height, width)
    assert (rows % 32, columns % 32) == (0, 0)
    if kind == "max":
        assert max(rows, columns) <= max(limit + 16, 32)
    else:
        assert min(rows, columns) >= limit - 16 - 1


def test_the_whole_detector_input_equals_rapidocrs() -> None:
    pixels = noise(90, 130, 3)
    steps = parse_steps(
        [
            {"channels": {"to": 3, "order": "bgr"}},
            {"resize_limit": {"limit": 96}},
            {"rescale": {"factor": 1 / 255}},
            {"standardise": {"mean": 0.5, "std": 0.5}},
        ]
    )
    expected = DetPreProcess(96, "min")(pixels[:, :, ::-1])
    assert expected is not None
    np.testing.assert_allclose(run(steps, picture(pixels)), expected[0].transpose(1, 2, 0), rtol=0, atol=1e-6)
    assert len(split(steps)[0]) == 2
