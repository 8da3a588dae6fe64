"""Flip, rotate, shift and scale put planted pixels where they belong, and agree with scipy and MONAI."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from workers.contract import Array
from workers.images.augment.base import Border
from workers.images.augment.flip import Flip
from workers.images.augment.rotate import Rotate, turned
from workers.images.augment.scale import Scale, scaled
from workers.images.augment.shift import Shift, shifted
from workers.images.augment.warp import together, warped

BACKS = {
    "turned": turned(17),
    "shifted": shifted(2.3, -1.6),
    "scaled": scaled(1.3, 0.8),
    "all": together([turned(-25), scaled(0.9, 1.2), shifted(-1.25, 3.5)]),
}


def picture(*shape: int) -> Array:
    return np.random.default_rng(3).random(shape or (28, 31)).astype(np.float32)


def planted(row: int, column: int, side: int = 9) -> Array:
    found = np.zeros((side, side), np.float32)
    found[row, column] = 1
    return found


def by_scipy(pixels: Array, back: Array, mode: str, value: float = 0.0) -> Array:
    """The same in float64, with axes as scipy has them: rows first."""
    matrix = np.array([[back[1, 1], back[1, 0]], [back[0, 1], back[0, 0]]])
    middle = (np.array(pixels.shape) - 1) / 2
    offset = middle - matrix @ middle + back[[1, 0], 2]
    found: Array = ndimage.affine_transform(pixels.astype(np.float64), matrix, offset, order=1, mode=mode, cval=value)
    return found


@pytest.mark.parametrize("back", BACKS.values(), ids=BACKS)
@pytest.mark.parametrize(("border", "mode"), [("edge", "nearest"), ("reflect", "mirror"), ("lowest", "grid-constant")])
def test_every_geometry_is_what_scipy_gives(back: Array, border: Border, mode: str) -> None:
    pixels = picture()
    assert np.allclose(warped(pixels, back, border), by_scipy(pixels, back, mode, float(pixels.min())), atol=1e-5)


@pytest.mark.parametrize(
    ("back", "settings"),
    [
        (turned(-20), {"rotate_params": np.deg2rad(20)}),
        (shifted(2.5, -3.25), {"translate_params": (-2.5, 3.25)}),
        (scaled(1.25, 0.8), {"scale_params": (1 / 1.25, 1 / 0.8)}),
    ],
    ids=["rotate", "shift", "scale"],
)
def test_every_geometry_is_what_monai_gives(back: Array, settings: dict[str, object]) -> None:
    from monai.transforms import Affine

    pixels = picture(28, 28)
    transform = Affine(**settings, padding_mode="border", mode="bilinear", image_only=True, align_corners=False)
    assert np.allclose(warped(pixels, back, "edge"), np.asarray(transform(pixels[None]))[0], atol=1e-5)


def test_several_steps_in_one_are_the_steps_one_after_another() -> None:
    smooth = ndimage.gaussian_filter(picture(60, 60), 6)
    steps = [turned(12), scaled(1.1, 1.2), shifted(3, -2)]
    one = warped(smooth, together(steps), "edge")
    for back in steps:
        smooth = warped(smooth, back, "edge")
    assert np.abs(one - smooth)[12:-12, 12:-12].max() < 1e-3


def test_a_quarter_turn_is_counter_clockwise_and_exact() -> None:
    pixels = picture(28, 28)
    assert np.allclose(warped(pixels, turned(90), "edge"), np.rot90(pixels), atol=1e-6)


def test_a_shift_moves_down_and_right() -> None:
    assert np.array_equal(warped(planted(4, 4), shifted(2, 1), "edge"), planted(6, 5))


def test_what_is_scaled_by_two_lies_twice_as_far_from_the_middle() -> None:
    found = warped(planted(5, 4), scaled(2, 1), "edge")
    assert np.unravel_index(found.argmax(), found.shape) == (6, 4)


@pytest.mark.parametrize(("axis", "place"), [("horizontal", (2, 7)), ("vertical", (6, 1))])
def test_a_flip_is_the_mirror_image_to_the_bit(axis: str, place: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    back = Flip(axis=axis).back(9, 9, chance)
    assert np.array_equal(warped(planted(2, 1), back, "edge"), planted(*place))
    even = picture(28, 31)
    want = even[:, ::-1] if axis == "horizontal" else even[::-1]
    assert np.array_equal(warped(even, Flip(axis=axis).back(28, 31, chance), "edge"), want)


def test_what_comes_in_is_the_edge_or_the_reflection_or_the_lowest_value() -> None:
    row = np.array([[5, 7, 9, 11]], np.float32).repeat(4, axis=0)
    first = {border: warped(row, shifted(0, 2), border)[0].tolist() for border in ("edge", "reflect", "lowest")}
    assert first == {"edge": [5, 5, 5, 7], "reflect": [9, 7, 5, 7], "lowest": [5, 5, 5, 7]}
    assert warped(-row, shifted(0, 2), "lowest")[0].tolist() == [-11, -11, -5, -7]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("shape", [(12, 9), (12, 9, 1), (12, 9, 3), (12, 9, 7)])
def test_a_geometry_keeps_shape_and_type(dtype: str, shape: tuple[int, ...]) -> None:
    pixels = (picture(*shape) * 100).astype(dtype)
    found = warped(pixels, BACKS["all"], "reflect")
    assert found.shape == shape
    assert found.dtype == pixels.dtype
    assert found.flags.c_contiguous


def test_channels_move_together_each_with_its_own_values() -> None:
    pixels = picture(20, 20, 6)
    found = warped(pixels, BACKS["all"], "edge")
    for channel in range(6):
        plane = np.ascontiguousarray(pixels[:, :, channel])
        assert np.array_equal(found[:, :, channel], warped(plane, BACKS["all"], "edge"))


def test_nothing_to_do_gives_the_very_image() -> None:
    pixels = picture()
    assert warped(pixels, np.eye(3), "edge") is pixels


def test_drawn_amounts_stay_within_the_settings_and_go_to_both_sides() -> None:
    chance = np.random.default_rng(1)
    turns = [np.degrees(np.arctan2(-back[0, 1], back[0, 0])) for back in _draws(Rotate(degrees=20), chance)]
    moves = [back[:2, 2] for back in _draws(Shift(rows=0.1, columns=0.2), chance)]
    sizes = [1 / np.diag(back)[:2] for back in _draws(Scale(factor=1.25, stretch=1.2), chance)]
    assert -20 <= min(turns) < -18
    assert 18 < max(turns) <= 20
    assert np.all(np.abs(moves) <= (8, 3))
    assert np.all(np.max(np.abs(moves), axis=0) > (7, 2.6))
    factors = np.sqrt(np.prod(sizes, axis=1))
    assert 0.8 <= factors.min() < 0.82
    assert 1.22 < factors.max() <= 1.25
    stretches = np.array(sizes)[:, 1] / np.array(sizes)[:, 0]
    assert 1 / 1.2 <= stretches.min() < 0.86
    assert 1.17 < stretches.max() <= 1.2 + 1e-12


def _draws(step: Rotate | Shift | Scale, chance: np.random.Generator) -> list[Array]:
    """On images of 30 rows and 40 columns."""
    return [step.back(30, 40, chance) for _ in range(400)]
