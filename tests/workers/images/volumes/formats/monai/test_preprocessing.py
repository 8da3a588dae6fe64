"""Preprocessing of bundles: each transform as a step, whose result is MONAI's, on real scans too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from tests.support import monai_bundles as zoo
from workers.images.volumes.formats.monai.bundle import FORMAT
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

HIPPOCAMPUS = Path(__file__).parents[7] / "shared/data/hippocampus"
BEGIN = [{"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"}]


def of_file(path: Path) -> Volume:
    """A volume as MONAI reads it."""
    image = nibabel.load(path)
    return Volume(np.asarray(image.dataobj)[None], Grid(image.shape, np.asarray(image.affine, np.float64)))


def scan(folder: Path) -> Path:
    """A file with oblique axes, one of them backwards, and some air."""
    values = np.random.default_rng(3).normal(100, 40, (14, 17, 11)).astype(np.float32)
    values[:3], values[:, :, -2:] = 0, 0
    turn = np.array([[0.99, 0.1, 0.05], [-0.1, 0.99, -0.02], [-0.05, 0.01, 0.99]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-1.2, 0.9, 2.5])
    affine[:3, 3] = 5, -7, 30
    nibabel.save(nibabel.Nifti1Image(values, affine), folder / "scan.nii.gz")
    return folder / "scan.nii.gz"


STEPS: list[dict[str, Any]] = [
    {"_target_": "Orientationd", "axcodes": "LPS"},
    {"_target_": "Orientationd", "as_closest_canonical": True},
    {"_target_": "Spacingd", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
    {"_target_": "Spacingd", "pixdim": [1.5, -1], "mode": ["bilinear"], "align_corners": [True]},
    {"_target_": "Spacingd", "pixdim": 2.0, "mode": "nearest"},
    {"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 200, "b_min": -1, "b_max": 1},
    {
        "_target_": "monai.transforms.ScaleIntensityRangeD",
        "a_min": 0,
        "a_max": 200,
        "b_min": 0,
        "b_max": 1,
        "clip": True,
    },
    {"_target_": "ScaleIntensityd"},
    {"_target_": "ScaleIntensityd", "minv": -1.0, "maxv": 1.0},
    {"_target_": "ScaleIntensityRangePercentilesd", "lower": 1, "upper": 99, "b_min": 0, "b_max": 1, "clip": True},
    {"_target_": "ClipIntensityPercentilesd", "lower": 5, "upper": 95},
    {"_target_": "NormalizeIntensityd"},
    {"_target_": "NormalizeIntensityd", "nonzero": "True", "channel_wise": "True"},
    {"_target_": "NormalizeIntensityd", "subtrahend": 90, "divisor": 30},
    {"_target_": "CropForegroundd", "source_key": "image", "mode": ["minimum"], "allow_smaller": False},
    {"_target_": "CropForegroundd", "source_key": "image", "margin": 2, "k_divisible": 4, "allow_smaller": True},
    {"_target_": "SpatialPadd", "spatial_size": [20, 20, -1]},
    {"_target_": "SpatialPadd", "spatial_size": 18, "mode": "edge", "method": "end"},
    {"_target_": "DivisiblePadd", "k": 8},
    {"_target_": "CenterSpatialCropd", "roi_size": [8, -1, 6]},
    {"_target_": "ResizeWithPadOrCropd", "spatial_size": [10, 20, 11]},
    {"_target_": "Resized", "spatial_size": [10, 20, 12]},
    {"_target_": "Resized", "spatial_size": [10, -1, 12], "mode": "trilinear", "align_corners": True},
    {"_target_": "CastToTyped", "dtype": "$torch.float32"},
]


@pytest.mark.parametrize("step", STEPS, ids=lambda one: "-".join(map(str, one.values())))
def test_a_step_does_what_the_transform_does(tmp_path: Path, step: dict[str, Any]) -> None:
    compose = {"_target_": "Compose", "transforms": [*BEGIN, {**step, "keys": ["image"]}]}
    invert = {**zoo.INVERT, "orig_keys": "image"}
    after = {"_target_": "Compose", "transforms": [zoo.POSTPROCESSING[0], invert, zoo.POSTPROCESSING[2]]}
    card = FORMAT.describe(zoo.write(tmp_path, zoo.inference(preprocessing=compose, postprocessing=after)))
    path = scan(tmp_path)
    ours = prepared(parse_steps(card.prepare), of_file(path))
    theirs = ConfigParser({"p": compose}).get_parsed_content("p")({"image": str(path)})["image"]
    assert ours.voxels.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.voxels, theirs.numpy(), rtol=0, atol=2e-4 * float(theirs.abs().max()))
    if step["_target_"] not in ("CastToTyped",):
        np.testing.assert_allclose(ours.grid.affine, theirs.affine.numpy(), rtol=0, atol=1e-5)


def test_of_a_list_with_an_entry_a_key_that_of_the_image_counts(tmp_path: Path) -> None:
    both = {"keys": ["label", "image"], "mode": ["nearest", "bilinear"], "align_corners": [False, True]}
    compose = {
        "_target_": "Compose",
        "transforms": [
            *BEGIN,
            {"_target_": "Spacingd", "pixdim": [1, 1, 1], **both},
            {"_target_": "X", "keys": "label"},
        ],
    }
    card = FORMAT.describe(zoo.write(tmp_path, zoo.inference(preprocessing=compose)))
    assert card.prepare == ({"resample": {"spacing": [1.0, 1.0, 1.0], "method": "linear", "align_corners": True}},)


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="the Decathlon's hippocampus is not there: ../shared/data")
def test_a_whole_preprocessing_on_a_real_scan_is_monai_s(tmp_path: Path) -> None:
    path = min(HIPPOCAMPUS.rglob("*mages*/hippocampus*.nii.gz"))
    root = zoo.write(tmp_path, zoo.inference())
    ours = prepared(parse_steps(FORMAT.describe(root).prepare), of_file(path))
    parser = ConfigParser()
    parser.read_config(root / "configs/inference.json")
    theirs = parser.get_parsed_content("preprocessing")({"image": str(path)})["image"]
    torch.testing.assert_close(torch.from_numpy(ours.voxels), torch.as_tensor(theirs.numpy()), rtol=0, atol=1e-5)
