"""Residual networks equal MONAI's and transformers' with the same weights."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets.resnet import ResNet as MonaiResNet
from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from pydantic import ValidationError
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from workers.images.networks import resnet


def randomise(network: nn.Module) -> nn.Module:
    """Fresh weights leave batch norms at identity, which would hide mistakes."""
    torch.manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.eval()


@pytest.mark.parametrize(
    ("block", "layers", "parameters"),
    [
        ("basic", (2, 2, 2, 2), 11_689_512),
        ("basic", (3, 4, 6, 3), 21_797_672),
        ("bottleneck", (3, 4, 6, 3), 25_557_032),
        ("bottleneck", (3, 4, 23, 3), 44_549_160),
    ],
)
def test_parameter_counts_are_those_of_resnet_18_34_50_101(block, layers, parameters):
    with torch.device("meta"):
        network = resnet.build(resnet.Config(in_channels=3, num_outputs=1000, block=block, layers=layers))
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_the_answer_is_that_of_monai_with_the_same_weights(block):
    monai_block = ResNetBlock if block == "basic" else ResNetBottleneck
    reference = randomise(
        MonaiResNet(
            monai_block,
            [2, 1, 2, 1],
            [16, 32, 64, 128],
            spatial_dims=2,
            n_input_channels=2,
            conv1_t_stride=2,
            num_classes=5,
            shortcut_type="B",
            bias_downsample=False,
        )
    )
    config = resnet.Config(in_channels=2, num_outputs=5, block=block, layers=(2, 1, 2, 1), width=16)
    ours = resnet.build(config).eval()
    ours.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(3, 2, 65, 50)
    torch.testing.assert_close(ours(x), reference(x), rtol=0, atol=1e-6)


def _from_transformers(name: str) -> str:
    """`resnet.encoder.stages.1.layers.0.shortcut.convolution.weight` to `layer2.0.downsample.0.weight`."""
    kind = {"convolution": "conv", "normalization": "bn"}
    parts = name.split(".")
    if parts[0] == "classifier":
        return f"fc.{parts[-1]}"
    if parts[1] == "embedder":
        return f"{kind[parts[3]]}1.{parts[-1]}"
    stage, block = int(parts[3]) + 1, parts[5]
    if parts[6] == "shortcut":
        return f"layer{stage}.{block}.downsample.{'01'[parts[7] == 'normalization']}.{parts[-1]}"
    return f"layer{stage}.{block}.{kind[parts[8]]}{int(parts[7]) + 1}.{parts[-1]}"


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_the_answer_is_that_of_transformers_with_the_same_weights(block):
    expansion = 4 if block == "bottleneck" else 1
    reference = randomise(
        ResNetForImageClassification(
            ResNetConfig(
                num_channels=3,
                embedding_size=8,
                hidden_sizes=[8 * expansion, 16 * expansion, 32 * expansion],
                depths=[2, 2, 1],
                layer_type=block,
                num_labels=4,
            )
        )
    )
    ours = resnet.build(resnet.Config(in_channels=3, num_outputs=4, block=block, layers=(2, 2, 1), width=8)).eval()
    ours.load_state_dict({_from_transformers(k): v for k, v in reference.state_dict().items()}, strict=True)
    x = torch.randn(2, 3, 64, 48)
    torch.testing.assert_close(ours(x), reference(x).logits, rtol=0, atol=1e-6)


def test_the_small_stem_keeps_the_resolution_of_the_image():
    network = resnet.build(resnet.Config(in_channels=1, num_outputs=2, layers=(1, 1), width=4, stem="small")).eval()
    assert network.get_submodule("layer1")(network.conv1(torch.zeros(1, 1, 28, 28))).shape == (1, 4, 28, 28)
    assert network(torch.zeros(2, 1, 1, 1)).shape == (2, 2)


@pytest.mark.parametrize("wrong", [{"width": 10**9}, {"layers": (0,)}, {"layers": ()}, {"stem": "x"}, {"depth": 3}])
def test_settings_that_make_no_network_are_refused(wrong):
    with pytest.raises(ValidationError):
        resnet.Config(in_channels=1, num_outputs=2, **wrong)
