"""Networks over a panel equal what torch's own layers give with the same weights, and a batch changes no score."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from schemas.errors import SpecError
from schemas.loading import validate
from workers.genomics.genotypes.networks import cnn, mlp, transformer

VARIANTS = 70


def panel(records: int = 9) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 3, (records, VARIANTS), generator=generator).float()


def built(module: Any, **settings: Any) -> Any:
    config = validate(module.Config, {"num_variants": VARIANTS, "num_outputs": 2, **settings})
    torch.manual_seed(0)
    network = module.build(config)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm1d):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return network.eval().requires_grad_(False)


def test_the_perceptron_is_linear_norm_activation_a_layer() -> None:
    network = built(mlp, hidden=[8, 4], norm="batch", activation="gelu")
    plain = nn.Sequential(
        network.layers[0], network.norms[0], nn.GELU(), network.layers[1], network.norms[1], nn.GELU(), network.head
    )
    assert torch.equal(network(panel()), plain(panel()))


def test_a_perceptron_without_hidden_layers_is_a_linear_model() -> None:
    network = built(mlp, hidden=[])
    x = panel()
    assert torch.allclose(network(x), x @ network.head.weight.T + network.head.bias)


def test_the_convolutional_network_is_convolution_norm_relu_pool_a_layer() -> None:
    network = built(cnn, channels=[4, 6], kernels=[5, 3], pools=[2, 3], bins=4)
    x = panel()[:, None]
    for convolution, norm, pool in zip(network.convolutions, network.norms, (2, 3), strict=True):
        x = nn.AvgPool1d(pool)(
            functional.relu(
                norm(
                    functional.conv1d(x, convolution.weight, convolution.bias, padding=convolution.kernel_size[0] // 2)
                )
            )
        )
    expected = network.head(nn.AdaptiveAvgPool1d(4)(x).flatten(1))
    assert torch.allclose(network(panel()), expected, atol=1e-6)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_transformer_is_torchs_encoder_over_patches(pooling: str) -> None:
    network = built(transformer, patch=16, width=8, heads=2, layers=2, feedforward=12, pooling=pooling)
    nn.init.normal_(network.places)
    encoder = nn.TransformerEncoder(network.layers[0], 2, enable_nested_tensor=False)
    encoder.layers = network.layers
    x = functional.pad(panel(), (0, 5 * 16 - VARIANTS)).reshape(9, 5, 16)
    tokens = network.embed(x) + network.places[None]
    if pooling == "cls":
        nn.init.normal_(network.cls)
        tokens = torch.cat([network.cls.expand(9, 1, 8), tokens], dim=1)
    states = network.norm(encoder(tokens))
    expected = network.head(states[:, 0] if pooling == "cls" else states.mean(1))
    assert torch.allclose(network(panel()), expected, atol=1e-5)


@pytest.mark.parametrize("module", [mlp, cnn, transformer])
def test_a_record_has_the_same_score_in_any_batch(module: Any) -> None:
    settings = {"channels": [4], "kernels": [5], "pools": [2], "bins": 4} if module is cnn else {}
    network, x = built(module, **settings), panel()
    alone = torch.cat([network(x[i : i + 1]) for i in range(len(x))])
    assert torch.allclose(network(x), alone, atol=1e-5)
    assert network.bytes_per_record > 0


@pytest.mark.parametrize(
    ("module", "settings", "says"),
    [
        (cnn, {"kernels": [4, 3]}, "kernels must be odd"),
        (cnn, {"kernels": [3]}, "one number a layer"),
        (cnn, {"bins": 16}, "fewer than 16 bins"),
        (transformer, {"width": 9}, "no multiple of 4 heads"),
        (transformer, {"num_variants": 100_000, "patch": 1}, "take a larger patch"),
        (mlp, {"hiden": [3]}, "did you mean 'hidden'"),
    ],
)
def test_settings_that_make_no_network_are_refused_in_words(module: Any, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        validate(module.Config, {"num_variants": VARIANTS, "num_outputs": 1, **settings})
