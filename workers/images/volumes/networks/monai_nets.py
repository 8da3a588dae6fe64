"""3-D networks of MONAI by their own names: `monai.UNet` is `monai.networks.nets.UNet` with `spatial_dims` 3.

Those that mark structures, and those that give one value a label; settings as `workers.images.networks.monai_net` says.
"""

from collections.abc import Mapping
from typing import Any

import torch
from monai.networks import nets
from torch import Tensor, nn

from workers.images.networks.monai_net import Net, OfOneSize, by_name, scoring


class _FinestLogits(nets.BasicUNetPlusPlus):  # type: ignore[misc]  # MONAI ships no types that mypy follows here
    """Without the coarser answers that MONAI's gives before the last."""

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = super().forward(x)[-1]
        return logits


def _swin_unetr(**settings: Any) -> nn.Module:
    # It reads numbers that it has just made, which without arithmetic are none.
    with torch.device("cpu"):
        network: nn.Module = nets.SwinUNETR(**settings)
    return network


_NOT_IN_A_FILE = ("preprocess", "norm_layer")
"""Parameters that are functions and classes."""

NETS: Mapping[str, Net] = by_name(
    (
        *(Net(name, dims=3) for name in ("AHNet", "AttentionUnet", "BasicUNet", "DynUNet", "HighResNet", "MedNeXt")),
        *(Net(name, dims=3) for name in ("SegResNet", "UNet", "VNet")),
        Net("SegResNetDS", dims=3, decides=_NOT_IN_A_FILE),
        Net("BasicUNetPlusPlus", dims=3, made_by=_FinestLogits),
        Net("FlexibleUNet", dims=3),
        Net("SwinUNETR", dims=3, decides=_NOT_IN_A_FILE, needs="einops", made_by=_swin_unetr),
        OfOneSize("UNETR", dims=3, needs="einops"),
        *scoring(3),
    )
)


def __getattr__(name: str) -> Net:
    """`monai_nets:UNet` of the registry."""
    if name in NETS:
        return NETS[name]
    raise AttributeError(name)
