"""Agreement of masks: MONAI's figures, and arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from workers.statistics.surfaces import Agreement, Mask, agreement, surface_distances

SPACING = (1.0, 0.7, 3.0)


def ball(middle: tuple[float, float, float], radius: float, shape: tuple[int, int, int] = (24, 22, 12)) -> Mask:
    at = np.stack(np.meshgrid(*(np.arange(side) for side in shape), indexing="ij"), -1)
    return np.asarray(np.linalg.norm((at - middle) * SPACING, axis=-1) <= radius)


PAIRS = {
    "near": (ball((11, 10, 5), 6), ball((12, 11, 5), 6)),
    "at the border": (ball((0, 10, 0), 6), ball((1, 21, 11), 7)),
    "two parts": (ball((5, 5, 3), 3) | ball((18, 17, 9), 4), ball((18, 17, 9), 4)),
    "one within the other": (ball((11, 10, 5), 3), ball((11, 10, 5), 9)),
    "one voxel": (ball((11, 10, 5), 0.1), ball((14, 10, 5), 0.1)),
    "the same": (ball((11, 10, 5), 6), ball((11, 10, 5), 6)),
}


@pytest.mark.parametrize("name", sorted(PAIRS))
@pytest.mark.parametrize("tolerance", [0.0, 1.0, 2.5])
def test_it_is_that_of_monai(name: str, tolerance: float) -> None:
    metrics = pytest.importorskip("monai.metrics")
    import torch

    one, other = PAIRS[name]
    found = agreement(one, other, SPACING, tolerance)
    pair = [torch.from_numpy(np.stack([~mask, mask])[None].astype(np.float32)) for mask in (one, other)]
    dice = metrics.compute_dice(*pair, include_background=False).item()
    far = metrics.compute_hausdorff_distance(*pair, percentile=95, spacing=SPACING).item()
    near = metrics.compute_surface_dice(*pair, class_thresholds=[tolerance], spacing=SPACING).item()
    assert found.dice == pytest.approx(dice, abs=1e-6)
    assert found.hd95 == pytest.approx(far, rel=1e-5, abs=1e-6)
    assert found.surface_dice == pytest.approx(near, abs=1e-6)


def test_distances_are_those_between_all_voxels_of_the_surfaces() -> None:
    one, other = PAIRS["near"]
    there, back = surface_distances(one, other, SPACING)

    def surface(mask: Mask) -> np.ndarray:
        wide = np.pad(mask, 1)
        inner = wide.copy()
        for axis in range(3):
            inner &= np.roll(wide, 1, axis) & np.roll(wide, -1, axis)
        return np.argwhere((wide & ~inner)[1:-1, 1:-1, 1:-1]) * SPACING

    apart = np.linalg.norm(surface(one)[:, None] - surface(other)[None], axis=-1)
    assert np.allclose(np.sort(there), np.sort(apart.min(1)))
    assert np.allclose(np.sort(back), np.sort(apart.min(0)))


def test_a_shift_by_one_voxel_is_as_far_as_a_voxel_is_long() -> None:
    one = np.zeros((9, 9, 9), bool)
    one[3:6, 3:6, 3:6] = True
    for axis, step in enumerate((2.0, 3.0, 5.0)):
        found = agreement(one, np.roll(one, 1, axis), (2.0, 3.0, 5.0), 0.0)
        assert found.hd95 == pytest.approx(step)
        assert found.dice == pytest.approx(2 / 3)


def test_of_nothing_there_is_no_figure_and_against_nothing_nothing_is_right() -> None:
    nothing, something = np.zeros((24, 22, 12), bool), PAIRS["near"][0]
    voxels = int(something.sum())
    assert agreement(nothing, nothing, SPACING, 1) == Agreement(0, 0, 0, None, None)
    assert agreement(nothing, nothing, SPACING, 1).dice is None
    for found in (agreement(something, nothing, SPACING, 1), agreement(nothing, something, SPACING, 1)):
        assert found.dice == 0
        assert found.hd95 is None
        assert found.surface_dice == 0
        assert found.predicted + found.true == voxels
