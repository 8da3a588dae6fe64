from __future__ import annotations

from timeit import repeat
from typing import Any

import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.pictures import noise, picture
from workers.contract import Affine
from workers.images.prepare.affine import apply_affine
from workers.images.prepare.plan import run, split
from workers.images.steps import parse_steps

RESCALE = {"rescale": {"factor": 1 / 255}}
STANDARDISE = {"standardise": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}}
SCALED = {"standardise": {"mean": 0.5, "std": 0.2, "scale": 0.01}}
CROP = {"crop": {"size": [4, 4]}}


@pytest.mark.parametrize(
    ("spec", "on_host", "affine"),
    [
        ([], 0, None),
        ([CROP], 1, None),
        ([CROP, RESCALE], 1, Affine(1 / 255)),
        ([CROP, RESCALE, STANDARDISE], 1, Affine(1 / 255, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))),
        ([SCALED], 0, Affine(0.01, (0.5,), (0.2,))),
        ([RESCALE, SCALED], 1, Affine(0.01, (0.5,), (0.2,))),
        ([RESCALE, RESCALE], 1, Affine(1 / 255)),
        ([STANDARDISE, RESCALE], 1, Affine(1 / 255)),
        ([RESCALE, CROP], 2, None),
        ([STANDARDISE, CROP, RESCALE, STANDARDISE], 2, Affine(1 / 255, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))),
    ],
)
def test_only_the_last_rescale_and_standardise_go_to_the_device(spec: Any, on_host: int, affine: Affine | None) -> None:
    steps = parse_steps(spec)
    assert split(steps) == (steps[:on_host], affine)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("spec", [[CROP, RESCALE, STANDARDISE], [RESCALE, SCALED], [RESCALE], [STANDARDISE]])
def test_host_and_device_together_give_the_bits_of_the_host_alone(spec: Any, dtype: str) -> None:
    image = picture(noise(9, 8, 3, dtype=dtype))
    steps = parse_steps(spec)
    host, affine = split(steps)
    assert affine is not None
    np.testing.assert_array_equal(apply_affine(run(host, image), affine), run(steps, image))


def test_without_steps_the_pixels_themselves_come_back() -> None:
    for dtype in ("uint8", "int8", "uint16", "int16", "float32"):
        pixels = noise(6, 5, 3, dtype=dtype)
        assert run((), picture(pixels)) is pixels


def test_without_steps_an_image_costs_microseconds() -> None:
    image = picture(noise(512, 512))
    # About one microsecond; the bound leaves room for a slow machine and none for a copy of the pixels.
    assert min(repeat(lambda: run((), image), number=200, repeat=20)) / 200 < 10e-6


@pytest.mark.parametrize("dtype", ["uint32", "int32", "int64", "float16", "float64"])
def test_types_that_no_network_reads_become_float32(dtype: str) -> None:
    result = run((), picture(noise(6, 5, dtype=dtype)))
    assert result.dtype == np.float32
    assert run((), picture(noise(6, 5, dtype="bool"))).dtype == np.uint8


def test_the_result_is_contiguous_whatever_the_steps_leave() -> None:
    for pixels in (noise(6, 5, 3)[::-1, ::2], noise(6, 5).T):
        assert run((), picture(pixels)).flags.c_contiguous
    assert run(parse_steps([{"channels": {"to": 3, "order": "bgr"}}]), picture(noise(4, 4, 3))).flags.c_contiguous
    assert run(parse_steps([{"channels": {"to": 3}}]), picture(noise(4, 4))).strides == (12, 3, 1)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0, 3), np.float32),
        np.array([[np.nan, 1]], np.float32),
        np.array([[np.inf, 1]]),
        np.array([[1e300, 1]]),
        np.zeros((2, 2), np.complex64),
    ],
)
def test_an_image_that_no_network_can_read_is_out_of_contract(pixels: Any) -> None:
    with pytest.raises(RecordError) as caught:
        run((), picture(pixels, (0, 1)))
    assert caught.value.status is Status.OUT_OF_CONTRACT
