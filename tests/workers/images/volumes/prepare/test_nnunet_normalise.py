"""Schemes of nnU-Net, held against what their source defines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes

from schemas.errors import RecordError, SpecError
from workers.images.volumes.prepare.nnunet_normalise import inside
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume


def volume(*channels: np.ndarray) -> Volume:
    voxels = np.stack(channels)
    return Volume(voxels, Grid(voxels.shape[1:], np.eye(4)))


def step(*channels: dict[str, object]):
    (found,) = parse_steps([{"nnunet_normalise": {"channels": list(channels)}}])
    return found


def a_head() -> np.ndarray:
    """A ball with a hole, and a hole that is open to the border, in noise of 1 to 99."""
    grid = np.stack(np.meshgrid(*[np.arange(20) - 9.5] * 3, indexing="ij"))
    radius = np.linalg.norm(grid, axis=0)
    values = np.random.default_rng(0).integers(1, 100, (20, 20, 20)).astype(np.int16)
    values[(radius > 9) | (radius < 3)] = 0
    values[:4, 9:11, 9:11] = 0
    return values


def test_the_mask_has_its_holes_filled_as_scipy_fills_them() -> None:
    one = a_head()
    expected = binary_fill_holes(one != 0)
    assert (expected & (one == 0)).any()
    np.testing.assert_array_equal(inside(one[None]), expected)
    other = np.zeros_like(one)
    other[0, 0, 0] = 5
    np.testing.assert_array_equal(inside(np.stack([one, other])), binary_fill_holes((one != 0) | (other != 0)))


def test_each_channel_has_its_scheme() -> None:
    head = a_head()
    rgb = np.clip(head, 0, 255)
    ct = {"scheme": "ct", "low": -5.0, "high": 70.0, "mean": 20.5, "std": 9.0}
    schemes = ({"scheme": "z_score", "masked": True}, {"scheme": "z_score"}, ct, {"scheme": "none"})
    more = ({"scheme": "rescale_to_01"}, {"scheme": "rgb_to_01"})
    found = step(*schemes, *more)(volume(head, head, head, head, head, rgb)).voxels
    x = head.astype(np.float32)
    mask = binary_fill_holes((x != 0) | (rgb != 0))
    expected = [np.where(mask, (x - x[mask].mean()) / x[mask].std(), x), (x - x.mean()) / x.std()]
    expected += [(x.clip(-5, 70) - 20.5) / 9, x, (x - x.min()) / (x - x.min()).max(), x / 255]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.stack(expected), rtol=1e-6, atol=1e-6)


def test_a_flat_channel_becomes_zero_and_not_infinite() -> None:
    flat = np.full((4, 4, 4), 7.0, np.float32)
    for scheme in ("z_score", "rescale_to_01"):
        assert not step({"scheme": scheme})(volume(flat)).voxels.any()


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ({"scheme": "ct"}, "ct needs low, high, mean and std"),
        ({"scheme": "z_score", "mean": 1.0}, "belong to scheme: ct"),
        ({"scheme": "ct", "low": 0, "high": 1, "mean": 0, "std": 1, "masked": True}, "masked belongs to"),
        ({"scheme": "minmax"}, "must be 'z_score', 'ct'"),
    ],
)
def test_settings_that_do_not_belong_together_are_refused(channel: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        step(channel)


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ([np.zeros((2, 2, 2), np.float32)] * 2, "has 2 channel.s., and the step normalises 1"),
        ([np.full((2, 2, 2), np.nan, np.float32)], "NaN or infinite"),
        ([np.full((2, 2, 2), 300, np.float32)], "between 0 and 255"),
    ],
)
def test_a_volume_that_the_scheme_cannot_take_is_out_of_contract(channels: list[np.ndarray], said: str) -> None:
    with pytest.raises(RecordError, match=said):
        step({"scheme": "rgb_to_01"})(volume(*channels))


def test_values_whose_deviation_float32_cannot_hold_are_not_made_zeros() -> None:
    wide = np.linspace(0, 3e30, 8, dtype=np.float32).reshape(2, 2, 2)
    with pytest.raises(RecordError, match="too large for a deviation in float32"):
        step({"scheme": "z_score"})(volume(wide))
