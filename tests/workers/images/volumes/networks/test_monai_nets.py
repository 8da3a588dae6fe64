"""MONAI's 3-D networks by name are MONAI's: same weights, same answers, and what is not theirs to decide is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks import nets

from schemas.errors import SpecError
from workers import registry
from workers.contract import Placement
from workers.images.volumes.formats.native import FORMAT
from workers.images.volumes.networks.monai_nets import NETS
from workers.training.network import check_settings

NETWORKS = registry.networks(registry.VOLUMES)
ROI = (32, 32, 32)
UNET = {"channels": [4, 8, 8], "strides": [2, 2]}
DYN = {"kernel_size": [3, [3, 3, 1], 3], "strides": [1, 2, [2, 2, 1]], "upsample_kernel_size": [2, [2, 2, 1]]}
MARKS: dict[str, dict[str, Any]] = {
    "AHNet": {"psp_block_num": 0},
    "AttentionUnet": UNET,
    "BasicUNet": {"features": [4, 4, 8, 8, 8, 4]},
    "BasicUNetPlusPlus": {"features": [4, 4, 8, 8, 8, 4], "deep_supervision": True},
    "DynUNet": {**DYN, "filters": [4, 8, 8], "deep_supervision": True, "res_block": True},
    "FlexibleUNet": {"backbone": "efficientnet-b0", "decoder_channels": [8, 8, 8, 8, 8]},
    "HighResNet": {},
    "MedNeXt": {"init_filters": 4, "kernel_size": 3, "blocks_down": [1, 1, 1, 1], "blocks_up": [1, 1, 1, 1]},
    "SegResNet": {"norm": ["GROUP", {"num_groups": 4}], "blocks_down": [1, 1, 1], "blocks_up": [1, 1]},
    "SegResNetDS": {"init_filters": 4, "blocks_down": [1, 1, 1], "dsdepth": 2},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1]},
    "UNETR": {"feature_size": 4, "hidden_size": 24, "mlp_dim": 32, "num_heads": 2},
    "UNet": {**UNET, "num_res_units": 2, "norm": "batch"},
    "VNet": {},
}
"""By name, settings as `config.json` has them."""
TELLS: dict[str, dict[str, Any]] = {
    "DenseNet121": {"block_config": [1, 1], "init_features": 8, "growth_rate": 4},
    "SEResNet50": {"layers": [1, 1, 1, 1]},
    "EfficientNetBN": {"model_name": "efficientnet-b0"},
    "resnet18": {"widen_factor": 0.125},
    "ViT": {"patch_size": 8, "hidden_size": 24, "mlp_dim": 32, "num_layers": 1, "num_heads": 2},
}
OUT = {"resnet18": "num_classes", "SEResNet50": "num_classes", "EfficientNetBN": "num_classes", "ViT": "num_classes"}
BESIDE = {
    "UNETR": {"img_size": ROI},
    "ViT": {"img_size": ROI, "classification": True, "post_activation": ""},
    "EfficientNetBN": {"pretrained": False},
}
IN = {"resnet18": "n_input_channels"}


def monai_s_own(name: str, settings: dict[str, Any]) -> torch.nn.Module:
    if name in ("UNETR", "SwinUNETR", "ViT"):
        pytest.importorskip("einops")
    given = {"spatial_dims": 3, IN.get(name, "in_channels"): 2, OUT.get(name, "out_channels"): 3}
    torch.manual_seed(4)
    network: torch.nn.Module = getattr(nets, name)(**settings, **given, **BESIDE.get(name, {}))
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    return network.eval()


def answer(network: torch.nn.Module, windows: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        found = network(windows)
    return {list: lambda: found[-1], tuple: lambda: found[0]}.get(type(found), lambda: found)()


@pytest.mark.parametrize("name", [*MARKS, *TELLS])
def test_logits_are_those_of_monai_s_own_forward_pass(name: str, volume_directory: Callable[..., Path]) -> None:
    settings = {**MARKS, **TELLS}[name]
    # MONAI's normalises nothing that has one voxel, which this one shrinks 32 to.
    roi = (64, 32, 32) if name == "SwinUNETR" else ROI
    network = monai_s_own(name, settings)
    size = {"size": list(ROI)} if hasattr(NETS[name], "exact_size") else {}
    directory = volume_directory(
        network.state_dict(),
        network=f"monai.{name}",
        settings={"in_channels": 2, "num_outputs": 3, **size, **settings},
        task="segmentation" if name in MARKS else "classification",
        windows={"roi": list(roi)} if name in MARKS else None,
    )
    windows = torch.rand((2, 2, *roi), generator=torch.Generator().manual_seed(1))
    model = FORMAT.load(directory, FORMAT.describe(directory), Placement("cpu", 1))
    # oneDNN adds up in another order than what torch takes for small windows.
    torch.testing.assert_close(model.forward(windows), answer(network, windows), rtol=0, atol=1e-5)


def test_the_registry_names_all_of_them_and_they_are_monai_s() -> None:
    named = {name.removeprefix("monai.") for name in NETWORKS if name.startswith("monai.")}
    assert named == NETS.keys()
    assert all(hasattr(nets, name) for name in NETS)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("UNet", {"spatial_dims": 2, **UNET}, "spatial_dims: must be 3"),
        ("UNet", {"channels": [4, 8]}, "strides: is missing"),
        ("UNet", {"channels": [4, 8], "strides": [2, 2, 2, 2], "kernel_size": "x"}, "not made of these settings"),
        ("SegResNet", {"out_channels": 3}, "out_channels is 'num_outputs' here"),
        ("SegResNet", {"blocks_down": [10**9]}, r"blocks_down.0: must be at most 200"),
        ("SegResNetDS", {"preprocess": "os.system"}, "unknown key 'preprocess'"),
        ("FlexibleUNet", {"backbone": "resnet18", "pretrained": True}, "weights are not downloaded"),
        ("UNETR", {"size": [32, 32]}, "size.2: is missing"),
        ("Unet", UNET, "network 'monai.Unet' is unknown, did you mean 'monai.UNet'"),
    ],
)
def test_what_is_not_a_setting_is_refused(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        check_settings(NETWORKS, f"monai.{name}", settings)
