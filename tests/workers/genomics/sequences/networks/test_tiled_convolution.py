from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from workers.genomics.sequences.networks.folded_blocks import Convolution
from workers.genomics.sequences.networks.tiled_convolution import TILE, convolve


@pytest.mark.parametrize("relu", [False, True])
def test_tiles_give_what_one_convolution_gives_and_leave_the_rest_alone(relu: bool) -> None:
    torch.manual_seed(1)
    convolution = Convolution(torch.randn(3, 2, 5), torch.randn(3), 2)
    x = torch.randn(2, 2, 2 * TILE + 600)
    whole = functional.conv1d(x, convolution.weight, convolution.bias, dilation=2)
    whole = torch.relu(whole) if relu else whole
    out = torch.full((2, 3, 2 * TILE + 700), 9.0)
    long = 2 * TILE + 100
    with torch.inference_mode():
        convolve(x, convolution, out, [(0, 10, 20, long), (1, 0, 0, 7), (1, 50, 300, 1), (0, 0, 5, 0)], relu)
    torch.testing.assert_close(out[0, :, 20 : 20 + long], whole[0, :, 10 : 10 + long], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out[1, :, :7], whole[1, :, :7], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out[1, :, 300], whole[1, :, 50], rtol=1e-4, atol=1e-5)
    assert (out[0, :, :20] == 9).all()
    assert (out[1, :, 7:300] == 9).all()
