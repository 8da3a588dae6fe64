"""Bundles as MONAI's model zoo writes them, and what MONAI itself gives for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.networks.nets import UNet
from torch import Tensor, nn

UNET = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [8, 16, 32],
    "strides": [2, 2],
    "num_res_units": 2,
    "norm": "batch",
}
PREPROCESSING = [
    {"_target_": "LoadImaged", "keys": "@image_key"},
    {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
    {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "@image_key", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged",
        "keys": "@image_key",
        "a_min": 0,
        "a_max": 300,
        "b_min": 0,
        "b_max": 1,
        "clip": True,
    },
    {"_target_": "EnsureTyped", "keys": "@image_key"},
]
INVERT = {
    "_target_": "Invertd",
    "keys": "pred",
    "transform": "@preprocessing",
    "orig_keys": "@image_key",
    "nearest_interp": False,
    "to_tensor": True,
}
SAVE = {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "output_postfix": "seg"}
POSTPROCESSING = [
    {"_target_": "Activationsd", "keys": "pred", "softmax": True},
    INVERT,
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
    SAVE,
]
SLIDING = {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 4, "overlap": 0.5}
CHANNELS = {"0": "background", "1": "Anterior", "2": "Posterior"}


def inference(**changes: Any) -> dict[str, Any]:
    """`configs/inference.json` of model zoo's `spleen_ct_segmentation`, for three channels."""
    return {
        "imports": ["$import glob", "$import os"],
        "bundle_root": ".",
        "image_key": "image",
        "output_dir": "$@bundle_root + '/eval'",
        "load_pretrain": True,
        "dataset_dir": "/workspace/data",
        "datalist": "$list(sorted(glob.glob(@dataset_dir + '/imagesTs/*.nii.gz')))",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": UNET,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": PREPROCESSING},
        "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
        "inferer": SLIDING,
        "postprocessing": {"_target_": "Compose", "transforms": POSTPROCESSING},
        "handlers": [{"_target_": "StatsHandler", "iteration_log": False, "output_transform": "$lambda x: None"}],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
            "amp": True,
        },
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        },
        "initialize": ["$monai.utils.set_determinism(seed=123)", "$@checkpointloader(@evaluator)"],
        "run": ["$@evaluator.run()"],
        **changes,
    }


def metadata(**pred: Any) -> dict[str, Any]:
    """`configs/metadata.json`."""
    image = {"type": "image", "format": "magnitude", "num_channels": 1, "value_range": [0, 1], "is_patch_data": True}
    out = {"type": "image", "format": "segmentation", "num_channels": 3, "channel_def": CHANNELS, **pred}
    return {"version": "0.1.0", "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": out}}}


def unet(seed: int = 0) -> nn.Module:
    """The network of `inference()` by MONAI's own class; its norms have seen something."""
    torch.manual_seed(seed)
    network = UNet(**{key: value for key, value in UNET.items() if key != "_target_"})
    network.train()(torch.rand(4, 1, 16, 16, 16))
    return network.eval()


def write(root: Path, config: Mapping[str, Any], meta: Mapping[str, Any] | None = None, weights: Any = None) -> Path:
    """A bundle in a folder."""
    for folder in ("configs", "models"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "configs/inference.json").write_text(json.dumps(config, indent=1))
    (root / "configs/metadata.json").write_text(json.dumps(meta or metadata()))
    torch.save(unet().state_dict() if weights is None else weights, root / "models/model.pt")
    return root


def monai_s_answer(root: Path, image: Path, output: Path) -> Tensor:
    """What the bundle's own parts make of one file, put together by MONAI as its `SupervisedEvaluator` does; (1, i, j,
    k) on the grid of the file. `SaveImaged` writes it to `output` too."""
    parser = ConfigParser()
    parser.read_config(root / "configs/inference.json")
    parser.read_meta(root / "configs/metadata.json")
    parser["bundle_root"], parser["output_dir"] = str(root), str(output)
    network = parser.get_parsed_content("network")
    network.load_state_dict(torch.load(root / "models/model.pt", weights_only=True))
    data = parser.get_parsed_content("preprocessing")({"image": str(image)})
    with torch.no_grad():
        data["pred"] = parser.get_parsed_content("inferer")(data["image"][None], network.eval())[0]
    found: Tensor = parser.get_parsed_content("postprocessing")(data)["pred"]
    return found
