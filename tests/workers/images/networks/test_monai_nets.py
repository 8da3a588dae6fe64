"""MONAI's networks by name are MONAI's: same weights, same answers, and what is not theirs to decide is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from monai.networks import nets
from safetensors.torch import save_file

from schemas.errors import MissingExtraError, SpecError
from workers import registry
from workers.contract import Affine, Placement
from workers.images.formats.native import FORMAT
from workers.images.formats.native_loaded import load
from workers.images.networks.monai_nets import NETS
from workers.images.onnx_export import export
from workers.training.network import check_settings

NETWORKS = registry.networks("images")
TWO_D = {"spatial_dims": 2, "in_channels": 1}
SMALL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "DenseNet": ({"block_config": [1, 2], "init_features": 8, "growth_rate": 4}, {**TWO_D, "out_channels": 3}),
    "DenseNet121": ({"block_config": [1, 1], "dropout_prob": 0.2}, {**TWO_D, "out_channels": 3}),
    "SEResNet50": ({"layers": [1, 1, 1, 1]}, {**TWO_D, "num_classes": 3}),
    "SENet": (
        {"block": "se_bottleneck", "layers": [1, 1, 1, 1], "groups": 4, "reduction": 4},
        {**TWO_D, "num_classes": 3},
    ),
    "EfficientNetBN": (
        {"model_name": "efficientnet-b0"},
        {**TWO_D, "num_classes": 3, "pretrained": False},
    ),
    "resnet10": ({"widen_factor": 0.25}, {"spatial_dims": 2, "n_input_channels": 1, "num_classes": 3}),
    "Classifier": ({"channels": [4, 8], "strides": [2, 2]}, {"in_shape": (1, 40, 36), "classes": 3}),
    "Regressor": ({"channels": [4, 8], "strides": [2, 2]}, {"in_shape": (1, 40, 36), "out_shape": (3,)}),
    "ViT": (
        {"patch_size": 4, "hidden_size": 16, "mlp_dim": 32, "num_layers": 2, "num_heads": 2},
        {**TWO_D, "img_size": (40, 36), "classification": True, "num_classes": 3, "post_activation": ""},
    ),
}
"""By name: settings as a spec has them, and what MONAI's class is given beside them."""


def made(name: str, folder: Path) -> torch.nn.Module:
    """A model directory in `folder`, and the network by MONAI's own class whose weights it holds."""
    if name == "ViT":
        pytest.importorskip("einops")
    settings, theirs = SMALL[name]
    torch.manual_seed(4)
    network: torch.nn.Module = getattr(nets, name)(**settings, **theirs)
    network.train()(torch.randn(8, 1, 40, 36))
    size = {"size": [40, 36]} if hasattr(NETS[name], "exact_size") else {}
    config = {
        "format": "wardround-model",
        "format_version": 1,
        "network": f"monai.{name}",
        "settings": {"in_channels": 1, "num_outputs": 3, **size, **settings},
        "head": {"activation": "sigmoid", "labels": ["a", "b", "c"]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file({key: one.contiguous() for key, one in network.state_dict().items()}, folder / "model.safetensors")
    return network.eval()


def answers(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        found = network(torch.from_numpy(images)[:, None].float() / 255)
    return (found[0] if isinstance(found, tuple) else found).sigmoid().numpy()


@pytest.mark.parametrize("name", SMALL)
def test_scores_are_those_of_monai_s_own_forward_pass(name: str, tmp_path: Path) -> None:
    network = made(name, tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (3, 40, 36), dtype=np.uint8)
    model = load(tmp_path, FORMAT.describe(tmp_path), Placement("cpu", 1, Affine(1 / 255)))
    found = np.stack(list(model.forward(list(images)).values()), 1)
    np.testing.assert_allclose(found, answers(network, images), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["DenseNet", "SEResNet50", "ViT"])
def test_the_onnx_file_answers_the_same(name: str, tmp_path: Path) -> None:
    network = made(name, tmp_path)
    session = onnxruntime.InferenceSession(export(tmp_path, FORMAT.describe(tmp_path)).onnx)
    images = np.random.default_rng(0).integers(0, 255, (3, 40, 36), dtype=np.uint8)
    (logits,) = session.run(None, {"image": images[:, None].astype(np.float32) / 255})
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), answers(network, images), rtol=0, atol=1e-5)


def test_the_registry_names_all_of_them_and_they_are_monai_s() -> None:
    named = {name.removeprefix("monai.") for name in NETWORKS if name.startswith("monai.")}
    assert named == NETS.keys()
    assert all(hasattr(nets, name) for name in NETS)


@pytest.mark.parametrize("name", ["DenseNet", "EfficientNetBN"])
def test_the_smallest_side_runs_and_one_pixel_less_does_not(name: str) -> None:
    settings, theirs = SMALL[name]
    network = getattr(nets, name)(**settings, **theirs).eval()
    side = NETS[name].smallest_side(NETS[name].Config(in_channels=1, num_outputs=3, **settings))
    assert network(torch.zeros(1, 1, side, side)).shape == (1, 3)
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.zeros(1, 1, side - 1, side - 1))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("UNet", {}, r"network 'monai.UNet' is unknown.*Known: .*monai.DenseNet121"),
        ("DenseNet121", {"pretrained": True}, r"weights are not downloaded: begin from .*input\.start"),
        ("resnet18", {"pretrained": "/tmp/x.pth"}, "weights are not downloaded"),
        ("DenseNet121", {"growth_rat": 3}, "unknown key 'growth_rat', did you mean 'growth_rate'"),
        ("DenseNet121", {"out_channels": 3}, "out_channels is 'num_outputs' here, and in a training follows"),
        ("DenseNet121", {"spatial_dims": 3}, "spatial_dims: must be 2"),
        ("DenseNet121", {"block_config": [10**9]}, "block_config.0: must be at most 200"),
        ("DenseNet", {"act": ["relu", {"nosuch": 1}]}, "monai.DenseNet is not made of these settings: TypeError"),
        ("EfficientNetBN", {"model_name": "b9"}, "not made of these settings: ValueError: invalid model_name b9"),
        ("ResNet", {}, "block: is missing; layers: is missing"),
    ],
)
def test_what_is_not_a_setting_is_refused_before_any_image_is_read(
    name: str, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        check_settings(NETWORKS, f"monai.{name}", settings)


@pytest.mark.parametrize(("module", "name"), [("monai.networks", "DenseNet121"), ("einops", "ViT")])
def test_a_missing_package_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    if name != "ViT":
        for ours in ("monai_nets", "monai_net"):
            monkeypatch.delitem(sys.modules, f"workers.images.networks.{ours}")
    NETS[name].__dict__.pop("Config", None)
    with pytest.raises(MissingExtraError, match=rf"{module[:5]}.* is not installed: pip install 'wardround\[monai\]'"):
        check_settings(NETWORKS, f"monai.{name}", {})
