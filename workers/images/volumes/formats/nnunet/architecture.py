"""Which network plans describe: classes and layers by name, held against short lists. Imports no torch.

Plans of before nnU-Net 2.3 have `UNet_class_name` and the like instead of `architecture`; what they mean is told as
nnU-Net's own `ConfigurationManager` tells it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from schemas.errors import SpecError
from schemas.loading import validate
from workers.images.volumes.formats.lenient import Lenient

CLASSES = ("PlainConvUNet", "ResidualEncoderUNet")
LAYERS: Mapping[str, tuple[str, ...]] = {
    "conv_op": ("Conv3d",),
    "norm_op": ("InstanceNorm3d", "BatchNorm3d"),
    "dropout_op": ("Dropout3d",),
    "nonlin": ("LeakyReLU", "ReLU", "ELU", "GELU", "Mish", "SiLU"),
}
"""Classes of `torch.nn`, by the key of plans."""

_Count = Annotated[int, Field(ge=1, le=100)]
_Counts = _Count | tuple[_Count, ...]
_Width = Annotated[int, Field(ge=1, le=4096)]
_Sides = int | tuple[int, ...]


class Architecture(Lenient):
    """`arch_kwargs` of the two classes. Layers are names of `torch.nn`."""

    model_config = ConfigDict(extra="forbid")

    n_stages: Annotated[int, Field(ge=2, le=16)]
    features_per_stage: _Width | tuple[_Width, ...]
    conv_op: str
    kernel_sizes: _Sides | tuple[_Sides, ...]
    strides: _Sides | tuple[_Sides, ...]
    n_conv_per_stage: _Counts | None = None
    n_blocks_per_stage: _Counts | None = None
    n_conv_per_stage_decoder: _Counts
    conv_bias: bool = False
    norm_op: str | None = None
    norm_op_kwargs: dict[str, float | bool] | None = None
    dropout_op: str | None = None
    dropout_op_kwargs: dict[str, float | bool] | None = None
    nonlin: str | None = None
    nonlin_kwargs: dict[str, float | bool] | None = None
    nonlin_first: bool = False


def architecture_of(configuration: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`{"name": ..., "arguments": ...}` of the network, as plain values. Raises SpecError for what is not listed."""
    given = configuration.get("architecture")
    name, arguments = _new(given, where) if given is not None else _old(configuration, where)
    if name not in CLASSES:
        raise SpecError(f"{where}: network {name!r} is not known, only {' and '.join(CLASSES)}")
    found = validate(Architecture, arguments, f"{where}: arch_kwargs").model_dump(mode="json", exclude_unset=True)
    for key, known in LAYERS.items():
        if found.get(key) is not None:
            found[key] = _layer(found[key], key, known, where)
    return {"name": name, "arguments": found}


def _new(given: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(given, Mapping) or not isinstance(given.get("arch_kwargs"), Mapping):
        raise SpecError(f"{where}: architecture needs network_class_name and arch_kwargs")
    return str(given.get("network_class_name", "")).rpartition(".")[2], given["arch_kwargs"]


class _Old(Lenient):
    UNet_class_name: str
    UNet_base_num_features: _Width
    unet_max_num_features: _Width
    n_conv_per_stage_encoder: tuple[_Count, ...]
    n_conv_per_stage_decoder: tuple[_Count, ...]
    conv_kernel_sizes: tuple[tuple[int, ...], ...]
    pool_op_kernel_sizes: tuple[tuple[int, ...], ...]


def _old(configuration: Mapping[str, Any], where: str) -> tuple[str, Mapping[str, Any]]:
    old = validate(_Old, configuration, where)
    stages = len(old.n_conv_per_stage_encoder)
    blocks: Literal["n_conv_per_stage", "n_blocks_per_stage"] = (
        "n_conv_per_stage" if old.UNet_class_name == "PlainConvUNet" else "n_blocks_per_stage"
    )
    return old.UNet_class_name, {
        "n_stages": stages,
        "features_per_stage": [
            min(old.UNet_base_num_features * 2**stage, old.unet_max_num_features) for stage in range(stages)
        ],
        "conv_op": "Conv3d",
        "kernel_sizes": old.conv_kernel_sizes,
        "strides": old.pool_op_kernel_sizes,
        blocks: old.n_conv_per_stage_encoder,
        "n_conv_per_stage_decoder": old.n_conv_per_stage_decoder,
        "conv_bias": True,
        "norm_op": "InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "nonlin": "LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _layer(given: str, key: str, known: tuple[str, ...], where: str) -> str:
    module, _, name = given.rpartition(".")
    if name not in known or (module and not module.startswith("torch.nn")):
        raise SpecError(f"{where}: {key} {given!r} is not known, only {', '.join(known)} of torch.nn")
    return name
