"""The plain stack is the plain stack."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from workers.images.networks import smallcnn


def test_it_is_the_same_as_the_stack_written_by_hand():
    layers: list[nn.Module] = []
    inputs = 1
    for outputs in (16, 32, 64, 64):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    by_hand = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 14)).eval()
    ours = smallcnn.build(smallcnn.Config(in_channels=1, num_outputs=14)).eval()
    ours.load_state_dict(by_hand.state_dict(), strict=True)
    x = torch.randn(2, 1, 33, 70)
    assert torch.equal(ours(x), by_hand(x))


def test_channels_without_their_strides_are_refused():
    with pytest.raises(ValidationError, match="3 channels but 4 strides"):
        smallcnn.Config(in_channels=1, num_outputs=2, channels=(1, 2, 3))
