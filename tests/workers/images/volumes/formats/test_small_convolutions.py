from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.nets import DynUNet, UNet
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from workers.images.volumes.formats.small_convolutions import OneDnnConv3d, through_onednn


def _unet(norm: str) -> nn.Module:
    torch.manual_seed(3)
    net: nn.Module = UNet(3, 1, 3, (4, 8, 16), (2, 2), num_res_units=1, norm=norm)
    return net.eval().requires_grad_(False)


def _used(network: nn.Module, window: Tensor) -> set[str]:
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as seen:
        network(window)
    return {event.key for event in seen.key_averages()}


def _both(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    other = copy.deepcopy(network)
    through_onednn(other)
    return network, other


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("last", [False, True])
def test_a_network_answers_as_before_in_either_layout(norm: str, last: bool) -> None:
    plain, ours = _both(_unet(norm))
    window = torch.randn((1, 1, 16, 24, 16), generator=torch.Generator().manual_seed(1))
    ours.to(memory_format=torch.channels_last_3d if last else torch.contiguous_format)
    with torch.inference_mode():
        torch.testing.assert_close(ours(window), plain(window), rtol=0, atol=1e-5)


def test_no_layer_is_left_to_torch_s_own_slow_convolution() -> None:
    plain, ours = _both(_unet("batch"))
    window = torch.zeros((1, 1, 16, 16, 16))
    assert "aten::slow_conv3d_forward" in _used(plain, window)
    assert "aten::slow_conv3d_forward" not in _used(ours, window)


def test_weights_keep_their_names_and_places() -> None:
    plain, ours = _both(_unet("batch"))
    assert list(plain.state_dict()) == list(ours.state_dict())
    assert any(isinstance(layer, OneDnnConv3d) for layer in ours.modules())


def test_layers_that_pad_by_other_values_or_are_in_double_precision_stay_as_they_are() -> None:
    network = nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1, padding_mode="replicate"),
        nn.Conv3d(2, 2, 3, padding="same"),
        nn.Conv3d(2, 2, 3, padding=1).double(),
    )
    through_onednn(network)
    assert {type(layer) for layer in network} == {nn.Conv3d}


def test_what_is_no_number_stays_none() -> None:
    plain, ours = _both(_unet("batch"))
    window = torch.zeros((1, 1, 16, 16, 16))
    window[0, 0, 3, 3, 3] = torch.nan
    with torch.inference_mode():
        assert torch.equal(ours(window).isnan(), plain(window).isnan())


def test_nnunet_s_kind_of_network_answers_as_before() -> None:
    torch.manual_seed(4)
    kernels = [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
    network = DynUNet(3, 1, 2, kernels, [1, 2, [1, 2, 2]], [2, [1, 2, 2]], filters=(4, 8, 12))
    plain, ours = _both(network.eval().requires_grad_(False))
    window = torch.randn((2, 1, 8, 16, 16), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(ours(window), plain(window), rtol=0, atol=1e-5)
