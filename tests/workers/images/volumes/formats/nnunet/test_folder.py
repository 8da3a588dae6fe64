"""Trained folders of nnU-Net: the same preprocessing, the same logits, and no pickle that could run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from schemas.errors import SecurityError, SpecError, UsageError
from tests.support import nnunet_folders as zoo
from workers.contract import ModelCard, Placement
from workers.images.volumes.card import VolumeCard, volume_card
from workers.images.volumes.formats.nnunet.folder import FORMAT
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume
from workers.models.detect import describe

HIPPOCAMPUS = Path(__file__).parents[7] / "shared/data/hippocampus"
SPACING = (1.1, 0.9, 1.6)


def trained(root: Path, given: dict[str, Any] | None = None, folds: int = 1, **changes: Any) -> Path:
    weights = [zoo.network(seed).state_dict() for seed in range(folds)]
    return zoo.write(root, [zoo.checkpoint(one, **changes) for one in weights], given)


def card_of(folder: Path) -> tuple[ModelCard, VolumeCard]:
    card = FORMAT.describe(folder)
    volume = volume_card(card)
    assert volume is not None
    return card, volume


def scan(channels: int = 1, spacing: tuple[float, ...] = SPACING) -> Volume:
    voxels = np.random.default_rng(1).normal(120, 60, (channels, 17, 20, 14)).astype(np.float32).clip(1)
    voxels[:, :2], voxels[:, :, -3:], voxels[:, 8, 9, 7] = 0, 0, 0
    return Volume(voxels, Grid((17, 20, 14), np.diag([*spacing, 1.0])))


def test_the_card_is_in_the_order_of_our_axes(tmp_path: Path) -> None:
    kind, card = describe(trained(tmp_path), "images")
    _, volume = card_of(trained(tmp_path))
    assert (kind, card.format, card.channels, card.outputs) == ("nnunet", "nnunet", 1, ())
    # The network's axes are y, z, x.
    assert card.prepare[0] == {"crop_foreground": {"select": "nonzero"}}
    assert card.prepare[1] == {"nnunet_normalise": {"channels": [{"scheme": "z_score", "masked": True}]}}
    assert card.prepare[2] == {"resample": {"spacing": [1.0, 1.5, 0.8], "like": "nnunet", "method": "spline"}}
    assert volume.windows is not None
    assert (volume.windows.roi, volume.windows.mirror) == ((12, 8, 16), (0, 1))
    assert (volume.windows.steps, volume.windows.blend, volume.windows.overlap) == ("nnunet", "nnunet", (0.5,) * 3)
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [
        ("Anterior", 1, 1),
        ("Posterior", 2, 2),
    ]
    assert (volume.activation, volume.outputs) == ("none", 3)


def whole(folder: Path, volume: Volume) -> np.ndarray:
    """Logits of a window that holds the whole prepared volume."""
    card = FORMAT.describe(folder)
    made = prepared(parse_steps(card.prepare), volume)
    model = FORMAT.load(folder, card, Placement("cpu", 1))
    return model.forward(torch.from_numpy(padded(made.voxels))[None])[0].numpy()


def padded(voxels: np.ndarray) -> np.ndarray:
    """Sides that the network takes."""
    return np.pad(voxels, [(0, 0), *((0, -side % 8) for side in voxels.shape[1:])])


def theirs(volume: Volume, given: dict[str, Any], networks: list[nn.Module]) -> np.ndarray:
    """The same by nnU-Net's own preprocessing and the architecture's own class; axes as ours."""
    found = zoo.preprocessed(volume.voxels, volume.grid.spacing, given)
    order = [2 - axis for axis in given["transpose_forward"]]
    back = [order.index(axis) for axis in range(3)]
    shown = padded(found.transpose(0, *(1 + axis for axis in back)))
    shown = shown.transpose(0, *(1 + axis for axis in order))
    with torch.inference_mode():
        logits = torch.stack([one(torch.from_numpy(shown.copy())[None])[0] for one in networks]).mean(0)
    return logits.numpy().transpose(0, *(1 + axis for axis in back))


@pytest.mark.parametrize("spacing", [SPACING, (0.7, 0.7, 4.0), (1.0, 0.8, 1.5)], ids=["alike", "separate z", "kept"])
@pytest.mark.parametrize("transpose", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_logits_are_those_of_the_architecture_on_nnunet_s_preprocessing(
    tmp_path: Path, transpose: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    given = zoo.plans(transpose)
    volume = scan(spacing=spacing)
    found = whole(trained(tmp_path, given), volume)
    np.testing.assert_allclose(found, theirs(volume, given, [zoo.network(0)]), rtol=0, atol=1e-4)


def test_folds_are_one_model_by_the_mean_of_their_logits(tmp_path: Path) -> None:
    given = zoo.plans()
    found = whole(trained(tmp_path, given, folds=3), scan())
    expected = theirs(scan(), given, [zoo.network(seed) for seed in range(3)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("how", ["old plans", "residual", "old residual", "two channels"])
def test_every_way_to_name_the_network_is_understood(tmp_path: Path, how: str) -> None:
    residual, channels = "residual" in how, 2 if how == "two channels" else 1
    given = zoo.plans()
    if residual and how != "old residual":
        arguments = dict(zoo.ARCHITECTURE["arch_kwargs"])
        arguments["n_blocks_per_stage"] = arguments.pop("n_conv_per_stage")
        name = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
        given = zoo.plans(architecture={**zoo.ARCHITECTURE, "network_class_name": name, "arch_kwargs": arguments})
    if how.startswith("old"):
        name = "ResidualEncoderUNet" if residual else "PlainConvUNet"
        given = zoo.plans(**{**zoo.OLD, "architecture": None, "UNet_class_name": name})
    if channels == 2:
        given = zoo.plans(normalization_schemes=["CTNormalization", "NoNormalization"], use_mask_for_norm=[False] * 2)
    made = zoo.network(4, channels, residual=residual)
    folder = zoo.write(tmp_path, [zoo.checkpoint(made.state_dict())], given)
    expected = theirs(scan(channels), given, [made])
    np.testing.assert_allclose(whole(folder, scan(channels)), expected, rtol=0, atol=1e-3)


def test_regions_overlap_and_have_their_labels(tmp_path: Path) -> None:
    labels = {"background": 0, "whole tumor": [1, 2, 3], "core": [2, 3], "enhancing": [3], "ignore": 4}
    weights = zoo.network(0).state_dict()
    dataset = {"labels": labels, "regions_class_order": [1, 2, 3]}
    _, volume = card_of(zoo.write(tmp_path, [zoo.checkpoint(weights)], dataset=dataset))
    assert (volume.activation, volume.late, volume.outputs) == ("sigmoid", True, 3)
    assert [(one.name, one.label, one.channel) for one in volume.structures] == [
        ("whole_tumor", 1, 0),
        ("core", 2, 1),
        ("enhancing", 3, 2),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"architecture": {**zoo.ARCHITECTURE, "network_class_name": "primus.Primus"}},
            "network 'Primus' is not known",
        ),
        ({"patch_size": [64, 64]}, "of two dimensions"),
        ({"previous_stage": "3d_lowres"}, "is a cascade, which needs '3d_lowres'"),
        ({"resampling_fn_data": "resample_torch_fornnunet"}, "resamples by 'resample_torch_fornnunet'"),
        ({"preprocessor_name": "Mine"}, "preprocessor_name: must be 'DefaultPreprocessor'"),
        ({"normalization_schemes": ["MyNormalization"]}, "normalisation 'MyNormalization' is not known"),
        ({"spacing": None}, "spacing: is missing"),
    ],
)
def test_plans_that_cannot_be_followed_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(trained(tmp_path, zoo.plans(**changes)))


def test_layers_that_are_not_torch_s_own_are_refused(tmp_path: Path) -> None:
    for key, given in (("nonlin", "os.system"), ("norm_op", "torch.hub.load"), ("conv_op", "torch.nn.Conv2d")):
        arguments = {**zoo.ARCHITECTURE["arch_kwargs"], key: given}
        with pytest.raises(SpecError, match=f"{key} '{given}' is not known"):
            FORMAT.describe(trained(tmp_path, zoo.plans(architecture={**zoo.ARCHITECTURE, "arch_kwargs": arguments})))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trainer_name": "nnUNetTrainerBN"}, "trainer 'nnUNetTrainerBN' may build another network"),
        ({"trainer_name": "MyTrainer"}, "may build another network"),
        ({"init_args": {}}, "says nothing of 'configuration'"),
        ({"init_args": {"configuration": "2d"}}, "configuration '2d' is not there"),
    ],
)
def test_checkpoints_that_say_otherwise_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(trained(tmp_path, **changes))


@pytest.mark.parametrize("name", ["nnUNetTrainer_250epochs_NoMirroring", "nnUNetTrainer_onlyMirror01_DA5"])
def test_trainers_of_nnunet_s_own_that_change_no_network_are_taken(tmp_path: Path, name: str) -> None:
    _, volume = card_of(trained(tmp_path, trainer_name=name, inference_allowed_mirroring_axes=None))
    assert volume.windows is not None
    assert volume.windows.mirror == ()


def test_folds_that_differ_and_folders_without_a_final_checkpoint_are_refused(tmp_path: Path) -> None:
    weights = zoo.network(0).state_dict()
    mixed = [zoo.checkpoint(weights), zoo.checkpoint(weights, inference_allowed_mirroring_axes=None)]
    with pytest.raises(SpecError, match="folds are of different"):
        FORMAT.describe(zoo.write(tmp_path / "a", mixed))
    folder = trained(tmp_path / "b")
    (folder / "fold_0/checkpoint_final.pth").rename(folder / "fold_0/checkpoint_best.pth")
    with pytest.raises(SpecError, match=r"no fold has a checkpoint_final\.pth"):
        describe(folder, "images")


def test_without_its_networks_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trained(tmp_path)
    card = FORMAT.describe(folder)
    monkeypatch.setattr("workers.images.volumes.formats.nnunet.folder._PACKAGE", "surely_not_installed")
    with pytest.raises(UsageError, match="is not installed: pip install --no-deps dynamic-network-architectures"):
        FORMAT.load(folder, card, Placement("cpu", 1))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("echo code ran",))


@pytest.mark.parametrize("thing", [Evil(), nn.Conv3d(1, 1, 1), np.zeros(3), np.random.default_rng(0)])
def test_a_checkpoint_with_objects_is_refused_with_the_conversion_and_does_not_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], thing: Any
) -> None:
    folder = trained(tmp_path, logging=thing)
    with pytest.raises(SecurityError, match=r"is a pickle with .*can run code when loaded: write it anew"):
        FORMAT.describe(folder)
    assert "code ran" not in capfd.readouterr().out


def test_labels_that_leave_one_out_are_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    path = folder / "dataset.json"
    for labels, said in (
        ({"background": 0, "a": 1, "b": 3}, "must be 1, 2 and so on"),
        ({"a": 1}, "background 0"),
        ({"background": 0, "a": [1, 2], "b": 2}, "regions_class_order must have a label for each of the 2"),
    ):
        path.write_text(json.dumps({**json.loads(path.read_text()), "labels": labels}))
        with pytest.raises(SpecError, match=said):
            FORMAT.describe(folder)


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="the Decathlon's hippocampus is not there: ../shared/data")
def test_a_real_scan_gives_the_same_logits(tmp_path: Path) -> None:
    image = nibabel.load(min(HIPPOCAMPUS.glob("images/*.nii.gz")))
    volume = Volume(np.asarray(image.dataobj)[None], Grid(image.shape, np.asarray(image.affine, np.float64)))
    given = zoo.plans()
    expected = theirs(volume, given, [zoo.network(0)])
    np.testing.assert_allclose(whole(trained(tmp_path, given), volume), expected, rtol=0, atol=1e-4)
