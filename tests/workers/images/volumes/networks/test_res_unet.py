"""Our residual U-Net: shapes, strides along each axis, and a gradient for every weight."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from workers.images.volumes.networks.res_unet import Config, build


def test_logits_have_the_sides_of_the_window_whatever_the_strides() -> None:
    config = Config(in_channels=2, num_outputs=3, channels=(4, 6, 8), strides=((2, 2, 1), (2, 1, 2)), blocks=2)
    assert build(config)(torch.zeros(2, 2, 8, 12, 6)).shape == (2, 3, 8, 12, 6)


def test_every_weight_takes_part() -> None:
    network = build(Config(in_channels=1, num_outputs=2, channels=(4, 8), strides=((2, 2, 2),)))
    network(torch.rand(1, 1, 8, 8, 8)).square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().max() > 0 for one in network.parameters())


def test_strides_that_do_not_fit_the_channels_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"one entry fewer than channels \(1\)"):
        Config(in_channels=1, num_outputs=2, channels=(4, 8))
