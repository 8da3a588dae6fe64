"""Folders of trained models as nnU-Net v2 leaves them, and its preprocessing, derived from what its source defines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from scipy.ndimage import binary_fill_holes, map_coordinates
from skimage.transform import resize
from torch import nn

TRAINED = "nnUNetTrainer__nnUNetPlans__3d_fullres"
LABELS = {"background": 0, "Anterior": 1, "Posterior": 2}
KERNELS = [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
STRIDES = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
ARCHITECTURE: dict[str, Any] = {
    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "arch_kwargs": {
        "n_stages": 3,
        "features_per_stage": [4, 8, 8],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": KERNELS,
        "strides": STRIDES,
        "n_conv_per_stage": [2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    },
    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
}
RESAMPLING = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
CONFIGURATION: dict[str, Any] = {
    "data_identifier": "nnUNetPlans_3d_fullres",
    "preprocessor_name": "DefaultPreprocessor",
    "batch_size": 2,
    "patch_size": [8, 16, 12],
    "spacing": [1.5, 0.8, 1.0],
    "normalization_schemes": ["ZScoreNormalization"],
    "use_mask_for_norm": [True],
    "resampling_fn_data": "resample_data_or_seg_to_shape",
    "resampling_fn_seg": "resample_data_or_seg_to_shape",
    "resampling_fn_data_kwargs": RESAMPLING,
    "resampling_fn_seg_kwargs": {**RESAMPLING, "is_seg": True, "order": 1},
    "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
    "resampling_fn_probabilities_kwargs": {**RESAMPLING, "order": 1},
    "architecture": ARCHITECTURE,
}
OLD: dict[str, Any] = {
    "UNet_class_name": "PlainConvUNet",
    "UNet_base_num_features": 4,
    "unet_max_num_features": 8,
    "n_conv_per_stage_encoder": [2, 2, 2],
    "n_conv_per_stage_decoder": [2, 2],
    "num_pool_per_axis": [1, 2, 2],
    "pool_op_kernel_sizes": STRIDES,
    "conv_kernel_sizes": KERNELS,
}
"""Instead of `architecture`, in plans of before nnU-Net 2.3."""
CT = {"mean": 90.0, "std": 40.0, "percentile_00_5": 10.0, "percentile_99_5": 300.0, "min": 0.0, "max": 999.0}


def plans(transpose: Sequence[int] = (1, 0, 2), **changes: Any) -> dict[str, Any]:
    """`plans.json` with one configuration, `3d_fullres`, which inherits from another."""
    found = {**CONFIGURATION, **changes}
    return {
        "dataset_name": "Dataset004_Hippocampus",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(transpose),
        "transpose_backward": [list(transpose).index(axis) for axis in range(3)],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": CT, "1": CT},
        "configurations": {
            "base": {key: value for key, value in found.items() if value is not None and key != "batch_size"},
            "3d_fullres": {"inherits_from": "base", "batch_size": 2},
        },
    }


def network(seed: int, channels: int = 1, outputs: int = 3, residual: bool = False) -> nn.Module:
    """The network of `ARCHITECTURE` by its own class, as nnU-Net builds it for inference."""
    torch.manual_seed(seed)
    given = {**ARCHITECTURE["arch_kwargs"], "conv_op": nn.Conv3d, "norm_op": nn.InstanceNorm3d, "nonlin": nn.LeakyReLU}
    blocks = given.pop("n_conv_per_stage")
    one: Any = ResidualEncoderUNet if residual else PlainConvUNet
    given["n_blocks_per_stage" if residual else "n_conv_per_stage"] = blocks
    made: nn.Module = one(input_channels=channels, num_classes=outputs, deep_supervision=False, **given)
    return made.eval()


def checkpoint(weights: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """What nnU-Net's trainer saves, the numbers of numpy in its log included."""
    log = {"mean_fg_dice": [np.float64(0.8), np.float32(0.9)], "ema_fg_dice": [np.float64(0.85)], "lrs": [0.01]}
    return {
        "network_weights": weights,
        "optimizer_state": {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": {"scale": 65536.0},
        "logging": log,
        "_best_ema": np.float64(0.85),
        "current_epoch": 1000,
        "init_args": {"configuration": "3d_fullres", "fold": 0, "device": torch.device("cpu"), "plans": {}},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 2),
        **changes,
    }


def write(
    root: Path,
    checkpoints: Sequence[Mapping[str, Any]],
    given: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
) -> Path:
    """A folder with a fold a checkpoint."""
    folder = root / TRAINED
    folder.mkdir(parents=True, exist_ok=True)
    named = {"channel_names": {"0": "MRI"}, "labels": LABELS, "numTraining": 200, "file_ending": ".nii.gz"}
    (folder / "plans.json").write_text(json.dumps(given or plans()))
    (folder / "dataset.json").write_text(json.dumps({**named, **(dataset or {})}))
    for fold, one in enumerate(checkpoints):
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        torch.save(dict(one), folder / f"fold_{fold}/checkpoint_final.pth")
    return folder


def preprocessed(voxels: np.ndarray, spacing: Sequence[float], given: Mapping[str, Any]) -> np.ndarray:
    """What nnU-Net's `DefaultPreprocessor` makes of (channels, i, j, k) voxels: (channels, axes of the network)."""
    configuration = {**given["configurations"]["base"], **given["configurations"]["3d_fullres"]}
    transpose = given["transpose_forward"]
    # Its readers give (z, y, x), and the spacing in that order.
    data = voxels.astype(np.float32).transpose(0, 3, 2, 1).transpose(0, *(1 + axis for axis in transpose))
    current = [spacing[::-1][axis] for axis in transpose]
    mask = binary_fill_holes((data != 0).any(0))
    box = tuple(slice(where.min(), where.max() + 1) for where in np.nonzero(mask))
    data, mask = data[(slice(None), *box)].copy(), mask[box]
    for at, scheme in enumerate(configuration["normalization_schemes"]):
        data[at] = _normalised(data[at], scheme, mask if configuration["use_mask_for_norm"][at] else None)
    target = configuration["spacing"]
    shape = [round(old / new * side) for old, new, side in zip(current, target, data.shape[1:], strict=True)]
    return np.stack([_resampled(one.astype(float), shape, current, target) for one in data]).astype(np.float32)


def _normalised(values: np.ndarray, scheme: str, mask: np.ndarray | None) -> np.ndarray:
    if scheme == "CTNormalization":
        return (values.clip(CT["percentile_00_5"], CT["percentile_99_5"]) - CT["mean"]) / CT["std"]
    if scheme == "ZScoreNormalization":
        chosen = values if mask is None else values[mask]
        scored = (values - chosen.mean()) / max(chosen.std(), 1e-8)
        return scored if mask is None else np.where(mask, scored, values)
    return values


def _resampled(values: np.ndarray, shape: list[int], current: Sequence[float], target: Sequence[float]) -> np.ndarray:
    if list(values.shape) == shape:
        return values
    axis = next((_coarse(one) for one in (current, target) if max(one) / min(one) > 3), None)
    if axis is None:
        return resize(values, shape, 3, mode="edge", anti_aliasing=False)
    flat = [side for at, side in enumerate(shape) if at != axis]
    planes = [resize(plane, flat, 3, mode="edge", anti_aliasing=False) for plane in np.moveaxis(values, axis, 0)]
    fine = np.stack(planes, axis)
    if fine.shape[axis] == shape[axis]:
        return fine
    scales = [old / new for old, new in zip(fine.shape, shape, strict=True)]
    lines = [scale * (np.arange(side) + 0.5) - 0.5 for scale, side in zip(scales, shape, strict=True)]
    return map_coordinates(fine, np.stack(np.meshgrid(*lines, indexing="ij")), order=0, mode="nearest")


def _coarse(spacing: Sequence[float]) -> int:
    return int(np.argmax(spacing))
