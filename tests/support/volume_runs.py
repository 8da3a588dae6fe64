"""A small archive of series and files, a small real network on volumes, and the spec that brings them together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from pydicom.uid import UID
from safetensors.torch import save_file

from tests.support.dicom_files import stored
from tests.support.series import ROOT, changed, made
from workers.images.volumes.networks.res_unet import Config, build

SHAPE = (5, 6, 8)
"""Columns, rows and slices of the made series."""
SERIES = f"{ROOT}.7"
BROKEN = f"{ROOT}.8"
SETTINGS = {"in_channels": 1, "num_outputs": 3, "channels": [2, 4], "strides": [[1, 1, 2]]}
LABELS = ["background", "anterior", "posterior"]


def network() -> torch.nn.Module:
    """That of `make_model`."""
    torch.manual_seed(0)
    return build(Config.model_validate(SETTINGS)).eval()


def make_model(folder: Path, **keys: Any) -> Path:
    """Its directory; `keys` are of `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": "wardround-volume-model",
        "format_version": 1,
        "task": "segmentation",
        "network": "res_unet",
        "settings": SETTINGS,
        "head": {"activation": "softmax", "labels": LABELS},
        "windows": {"roi": [4, 4, 4]},
        **keys,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(network().state_dict(), folder / "model.safetensors")
    return folder


def make_archive(folder: Path) -> Path:
    """A series whose slices lie in any order in two folders, its localizer, a series with a gap, a NIfTI file, and two
    files that are none of it."""
    for name in ("one", "other/deeper"):
        (folder / name).mkdir(parents=True)
    for number, slice_ in enumerate(made(SHAPE[2])):
        place = folder / ("one" if number % 2 else "other/deeper")
        (place / f"{number * 5 % 8}.dcm").write_bytes(stored(slice_))
    (localizer,) = changed(made(1), lambda one, _: setattr(one, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    localizer.SOPInstanceUID = UID(f"{ROOT}.99")
    (folder / "one" / "scout.dcm").write_bytes(stored(localizer))
    for number, slice_ in enumerate(made(6, series=BROKEN, seed=1)):
        if number != 2:
            (folder / f"gap-{number}").write_bytes(stored(slice_))
    nibabel.save(nifti(), folder / "brain.nii.gz")
    (folder / "brain.txt").write_text("no image")
    (folder / "cut.nii").write_bytes(nifti().to_bytes()[:500])
    return folder


def nifti() -> nibabel.Nifti1Image:
    """A volume of another size in a file."""
    voxels = np.random.default_rng(4).integers(-500, 500, (7, 6, 9)).astype(np.int16)
    return nibabel.Nifti1Image(voxels, np.array([[-1.0, 0, 0, 9], [0, 2, 0, -3], [0, 0.5, 3, 1], [0, 0, 0, 1]]))


def write_spec(folder: Path, output: str, record: str = "series", compute: str = "", **more: str) -> Path:
    """A spec over `folder/archive` with `folder/model`, both made if they are not there yet."""
    if not (folder / "archive").exists():
        make_archive(folder / "archive")
        make_model(folder / "model")
    wanted = ", ".join(f"{name}: {value}" for name, value in {"segmentation": "{masks: [nifti]}", **more}.items())
    path = folder / f"{Path(output).name}.yaml"
    path.write_text(
        "job: predict\nname: volumes\n"
        f"input: {{collection: images, record: {record}, uri: {folder / 'archive'}, {wanted}}}\n"
        f"models: {{brain: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {output}}}\n"
        f"compute: {{pool: serial, shard_records: 4, decode: threads{compute}}}\n"
    )
    return path
