"""A folded network answers as the plain one does."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from workers.images.networks import densenet, resnet, smallcnn
from workers.images.networks.fold import ConvReLU, fold, has_fused_convolution

NETWORKS = {
    "smallcnn": (smallcnn, {"in_channels": 1, "num_outputs": 14}),
    "resnet basic": (resnet, {"in_channels": 1, "num_outputs": 4, "layers": (2, 1), "width": 16}),
    "resnet small stem": (resnet, {"in_channels": 1, "num_outputs": 4, "layers": (1, 1), "width": 8, "stem": "small"}),
    "resnet bottleneck": (
        resnet,
        {"in_channels": 1, "num_outputs": 4, "layers": (2, 2), "width": 8, "block": "bottleneck"},
    ),
    "densenet": (densenet, {"in_channels": 1, "num_outputs": 4, "block_layers": (2, 3), "growth": 8}),
}


def build(name: str) -> nn.Module:
    """The network with batch norms that have seen something."""
    torch.manual_seed(1)
    module, settings = NETWORKS[name]
    network = module.build(module.Config(**settings))
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0, 0.3)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.2)
    return network.eval()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", NETWORKS)
def test_answers_stay_within_a_hundred_thousandth(name, layout, device):
    """What is made for CUDA uses plain operators, which run here too."""
    plain = build(name)
    folded = fold(copy.deepcopy(plain), device).to(memory_format=layout)
    x = torch.randn(64, 1, 60, 52)
    with torch.inference_mode():
        expected = plain(x)
        together = folded(x.contiguous(memory_format=layout))
        alone = torch.cat([folded(image.contiguous(memory_format=layout)) for image in x.split(1)])
    torch.testing.assert_close(together, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


def test_no_batch_norm_and_no_separate_relu_is_left_behind_a_convolution():
    folded = fold(build("smallcnn"), "cpu")
    kinds = [type(module) for module in folded.modules()]
    assert nn.BatchNorm2d not in kinds
    assert kinds.count(ConvReLU) == (4 if has_fused_convolution() else 0)


def test_the_input_is_not_overwritten():
    x = torch.randn(2, 1, 40, 40)
    before = x.clone()
    for device in ("cpu", "cuda"):
        fold(build("densenet"), device)(x)
    assert torch.equal(x, before)


class Shared(nn.Module):
    """One convolution read by a batch norm and by a sum; one convolution called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), nn.ReLU()
        self.twice = nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.conv(x)
        normed = self.norm(first)
        return self.relu(self.twice(normed)) + self.relu(first) + self.twice(x) + normed


def test_what_is_read_twice_is_left_as_it_is():
    torch.manual_seed(0)
    plain = Shared().eval()
    nn.init.constant_(plain.norm.running_mean, 0.4)
    x = torch.randn(2, 1, 9, 9)
    with torch.inference_mode():
        torch.testing.assert_close(fold(copy.deepcopy(plain), "cpu")(x), plain(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_value_that_is_no_number_is_carried_to_every_score(name, device):
    """What is made for CUDA uses plain operators, which run here too."""
    folded = fold(build(name), device)
    poisoned = torch.randn(2, 1, 60, 52)
    poisoned[0, 0, 20, 20] = torch.nan
    overflowing = torch.full((1, 1, 60, 52), 3e38)
    with torch.inference_mode():
        answer = folded(poisoned)
        assert answer[0].isnan().all()
        assert answer[1].isfinite().all()
        assert not folded(overflowing).isfinite().all()
