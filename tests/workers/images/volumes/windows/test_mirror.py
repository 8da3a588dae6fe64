"""Mirroring takes the mean over every set of axes, as nnU-Net does."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference

from tests.support.volume_windows import Net, card, run, unet, volume
from workers.images.volumes.card import Windows


@pytest.mark.parametrize("axes", [(0,), (2, 0), (0, 1, 2)])
def test_logits_are_the_mean_over_all_mirrored_volumes(axes: tuple[int, ...]) -> None:
    """Where a volume is one window, windows mirrored are volumes mirrored: MONAI is asked for each."""
    network, one = unet(), volume(8, 12, 8)
    whole = torch.from_numpy(one.voxels)[None]
    sets = [chosen for count in range(len(axes) + 1) for chosen in combinations([axis + 2 for axis in axes], count)]
    with torch.inference_mode():
        expected = sum(
            torch.flip(sliding_window_inference(torch.flip(whole, each), (8, 12, 8), 1, network), each) for each in sets
        ) / len(sets)
    (done,) = run(Net(network, card(Windows(roi=(8, 12, 8), mirror=axes))), [one])
    np.testing.assert_allclose(done.value, expected[0].numpy(), rtol=0, atol=1e-5)


def test_every_set_of_axes_is_shown_once() -> None:
    model = Net(unet(), card(Windows(roi=(8, 8, 8), mirror=(0, 1, 2))))
    run(model, [volume(8, 8, 8)])
    assert len(model.batches) == 8
