from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.nets import BasicUNet, DynUNet, ResNet, SegResNet, UNet, VNet
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from workers.images.volumes.formats.fused import fused
from workers.images.volumes.formats.onednn_layers import OneDnnConv3d, OneDnnConvTranspose3d

NETWORKS = {
    "unet": lambda: UNet(3, 1, 3, (4, 8, 16), (2, 2), num_res_units=2, norm="batch"),
    "unet of instance norm": lambda: UNet(3, 1, 3, (4, 8, 16), (2, 2), num_res_units=1, norm="instance"),
    "basic unet of batch norm": lambda: BasicUNet(3, 1, 2, (4, 4, 8, 8, 16, 4), norm="batch"),
    "segresnet": lambda: SegResNet(3, 8, 1, 2),
    "vnet": lambda: VNet(3, 1, 2),
    "dynunet": lambda: DynUNet(
        3, 1, 2, [[1, 3, 3], [3, 3, 3], [3, 3, 3]], [1, 2, [1, 2, 2]], [2, [1, 2, 2]], filters=(4, 8, 12)
    ),
    "resnet": lambda: ResNet("basic", [1, 1, 1, 1], [4, 8, 8, 8], n_input_channels=1, num_classes=3),
}


def _made(network: nn.Module) -> nn.Module:
    """With statistics and slopes as training leaves them."""
    random = torch.Generator().manual_seed(5)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d) and layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.normal_(0, 0.3, generator=random)
            layer.running_var.uniform_(0.3, 3, generator=random)
            nn.init.uniform_(layer.weight, 0.5, 2, generator=random)
            nn.init.normal_(layer.bias, 0, 0.2, generator=random)
        if isinstance(layer, nn.PReLU):
            nn.init.uniform_(layer.weight, 0.05, 0.4, generator=random)
    return network.eval().requires_grad_(False)


def _both(network: nn.Module, example: Tensor) -> tuple[nn.Module, nn.Module]:
    return network, fused(copy.deepcopy(network), example)


def _window(seed: int = 1, batch: int = 1) -> Tensor:
    return torch.randn((batch, 1, 16, 32, 16), generator=torch.Generator().manual_seed(seed))


def _kinds(network: nn.Module) -> set[type]:
    return {type(layer) for layer in network.modules()}


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("last", [False, True])
def test_a_network_answers_as_before_in_either_layout(name: str, last: bool) -> None:
    torch.manual_seed(3)
    plain, ours = _both(_made(NETWORKS[name]()), _window(0))
    ours.to(memory_format=torch.channels_last_3d if last else torch.contiguous_format)
    for window in (_window(1), _window(2, batch=3)):
        with torch.inference_mode():
            wanted = plain(window)
            assert float((ours(window) - wanted).abs().max()) <= 1e-5 * max(1.0, float(wanted.abs().max()))


def test_norms_and_activations_behind_convolutions_are_gone() -> None:
    _, ours = _both(_made(NETWORKS["unet"]()), _window())
    assert not _kinds(ours) & {nn.BatchNorm3d, nn.PReLU, nn.Conv3d, nn.ConvTranspose3d}
    assert _kinds(ours) >= {OneDnnConv3d, OneDnnConvTranspose3d}


def test_no_layer_is_left_to_torch_s_own_slow_convolutions() -> None:
    plain, ours = _both(_made(NETWORKS["unet"]()), _window())

    def used(network: nn.Module) -> set[str]:
        with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as seen:
            network(_window())
        return {event.key for event in seen.key_averages()}

    slow = {"aten::slow_conv3d_forward", "aten::slow_conv_transpose3d"}
    assert slow <= used(plain)
    assert not slow & used(ours)


def test_what_is_no_number_stays_none() -> None:
    for network in (_made(NETWORKS["unet"]()), nn.Sequential(nn.Conv3d(1, 2, 1), nn.ReLU()).eval()):
        plain, ours = _both(network, _window())
        window = _window()
        window[0, 0, 3, 3, 3] = torch.nan
        with torch.inference_mode():
            assert torch.equal(ours(window).isnan(), plain(window).isnan())


class _TwoReaders(nn.Module):
    """A chain whose parts are run one by one, something between them: what no chain does."""

    def __init__(self) -> None:
        super().__init__()
        self.chain = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.BatchNorm3d(2), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        between = self.chain[0](x)
        normed: Tensor = self.chain[1](between)
        return self.chain[2](normed) + between


def test_a_network_that_runs_parts_of_a_chain_by_themselves_is_left_as_it_was() -> None:
    plain, ours = _both(_made(_TwoReaders()), _window())
    assert _kinds(ours) >= {OneDnnConv3d, nn.BatchNorm3d, nn.ReLU}
    with torch.inference_mode():
        torch.testing.assert_close(ours(_window(4)), plain(_window(4)), rtol=0, atol=1e-5)


def test_a_layer_in_several_places_is_folded_nowhere() -> None:
    shared = nn.Conv3d(1, 1, 3, padding=1)
    relu = nn.ReLU()
    network = nn.Sequential(shared, nn.BatchNorm3d(1), shared, relu, nn.Conv3d(1, 1, 1), relu, nn.BatchNorm3d(1))
    plain, ours = _both(_made(network), _window())
    assert [type(layer) for layer in ours][1::2] == [nn.BatchNorm3d, nn.ReLU, nn.ReLU]
    with torch.inference_mode():
        torch.testing.assert_close(ours(_window(4)), plain(_window(4)), rtol=0, atol=1e-5)


def test_without_an_example_only_convolutions_are_others() -> None:
    ours = fused(_made(NETWORKS["unet"]()), None)
    assert _kinds(ours) >= {OneDnnConv3d, OneDnnConvTranspose3d, nn.BatchNorm3d, nn.PReLU}


def test_layers_that_pad_by_other_values_or_are_in_double_precision_stay_as_they_are() -> None:
    network = nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1, padding_mode="replicate"),
        nn.Conv3d(2, 2, 3, padding="same"),
        nn.Conv3d(2, 2, 3, padding=1).double(),
    )
    assert {type(layer) for layer in fused(network, None).children()} == {nn.Conv3d}


def test_a_size_that_is_asked_for_is_given() -> None:
    network = nn.Sequential(nn.ConvTranspose3d(1, 2, 3, 2), nn.ReLU()).eval()
    plain, ours = _both(network, _window())
    size = [34, 66, 34]
    with torch.inference_mode():
        wanted = plain[1](plain[0](_window(), output_size=size))
        torch.testing.assert_close(ours[0](_window(), output_size=size), wanted, rtol=0, atol=1e-5)
