"""Densely connected networks equal MONAI's with the same weights."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.densenet import DenseNet as MonaiDenseNet
from monai.networks.nets.densenet import DenseNet121

from workers.images.networks import densenet


def _from_monai(name: str) -> str:
    return name.replace(".layers.", ".").replace("class_layers.out", "classifier")


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, 7_978_856),
        ({"block_layers": (6, 12, 32, 32)}, 14_149_480),
        ({"block_layers": (6, 12, 48, 32)}, 20_013_928),
        ({"block_layers": (6, 12, 36, 24), "growth": 48, "init_features": 96}, 28_681_000),
    ],
)
def test_parameter_counts_are_those_of_densenet_121_169_201_161(settings, parameters):
    with torch.device("meta"):
        network = densenet.build(densenet.Config(in_channels=3, num_outputs=1000, **settings))
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_one_channel_and_eighteen_outputs_count_as_published_by_torchxrayvision():
    with torch.device("meta"):
        network = densenet.build(densenet.Config(in_channels=1, num_outputs=18))
    assert sum(p.numel() for p in network.parameters()) == 6_966_034


def test_the_names_are_monai_s_of_densenet_121_but_for_two_prefixes():
    reference = DenseNet121(spatial_dims=2, in_channels=1, out_channels=3)
    with torch.device("meta"):
        ours = densenet.build(densenet.Config(in_channels=1, num_outputs=3))
    shapes = {_from_monai(name): tensor.shape for name, tensor in reference.state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == shapes


def test_the_answer_is_that_of_monai_with_the_same_weights():
    torch.manual_seed(0)
    sizes = {"init_features": 16, "block_config": (2, 3, 2), "growth_rate": 8}
    reference = MonaiDenseNet(spatial_dims=2, in_channels=2, out_channels=3, **sizes)
    reference.train()(torch.randn(4, 2, 40, 40))
    reference.eval()
    config = densenet.Config(in_channels=2, num_outputs=3, block_layers=(2, 3, 2), growth=8, init_features=16)
    ours = densenet.build(config).eval()
    ours.load_state_dict({_from_monai(k): v for k, v in reference.state_dict().items()}, strict=True)
    x = torch.randn(3, 2, 65, 50)
    torch.testing.assert_close(ours(x), reference(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("blocks", [(1,), (1, 1), (1, 1, 1, 1)])
def test_the_smallest_side_runs_and_one_pixel_less_does_not(blocks):
    config = densenet.Config(in_channels=1, num_outputs=2, block_layers=blocks, growth=4, init_features=4)
    network, side = densenet.build(config).eval(), densenet.smallest_side(config)
    assert network(torch.zeros(1, 1, side, side)).shape == (1, 2)
    if side > 1:
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 1, side - 1, side - 1))
