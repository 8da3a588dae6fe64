from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from workers.genomics.sequences.networks.dilated_resnet import Config, build
from workers.genomics.sequences.networks.folded_blocks import Convolution, fold_blocks

CONFIG = Config(num_outputs=2, channels=4, kernels=(3, 5, 3, 5), dilations=(1, 2, 3, 1), skip_every=2)


def test_a_folded_block_does_what_norm_relu_and_convolution_twice_do() -> None:
    torch.manual_seed(0)
    network = build(CONFIG)
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm1d)):
        torch.nn.init.normal_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    network.eval()
    folded = fold_blocks(network)
    assert [block.skip is not None for block in folded] == [False, True, False, True]
    x = torch.randn(2, 4, 60)
    for block, plain in zip(folded, network.blocks, strict=True):
        with torch.inference_mode():
            active = torch.relu(x * block.scale + block.shift)
            first = functional.conv1d(active, block.first.weight, block.first.bias, dilation=block.first.dilation)
            hidden = torch.relu(first)
            found = functional.conv1d(hidden, block.second.weight, block.second.bias, dilation=block.second.dilation)
            normed = torch.relu(plain.norm1(x))
            one = functional.conv1d(normed, plain.conv1.weight, plain.conv1.bias, dilation=plain.conv1.dilation)
            two = torch.relu(plain.norm2(one))
            wanted = functional.conv1d(two, plain.conv2.weight, plain.conv2.bias, dilation=plain.conv2.dilation)
        assert found.shape[2] == 60 - 2 * block.first.reach - 2 * block.second.reach
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kernel", "dilation", "reach"), [(1, 7, 0), (3, 1, 1), (5, 4, 8)])
def test_a_convolution_reaches_so_many_positions(kernel: int, dilation: int, reach: int) -> None:
    assert Convolution(torch.zeros(1, 1, kernel), torch.zeros(1), dilation).reach == reach
