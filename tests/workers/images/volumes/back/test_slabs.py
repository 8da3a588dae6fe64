from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai import transforms as monai

from tests.support.made_volumes import affine_of, noise, tilted, turned
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs
from workers.images.volumes.back.whole import decided_whole
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

torch.set_num_threads(2)
CLASSES = 4
GRIDS: dict[str, Any] = {
    "axial": affine_of("LPS", (0.8, 0.8, 3)),
    "sagittal": affine_of("ASL", (1.23, 0.97, 2.1)),
    "upside_down": affine_of("LAI", (1, 1, 1.5)),
    "oblique": turned(affine_of("RAS", (0.8, 1.3, 3)), (8, -21, 33)),
    "tilted": tilted(affine_of("LPS", (0.9, 0.8, 3)), 0.7),
    "tilted_coronal": tilted(affine_of("RSA", (0.9, 0.8, 3)), -0.5),
}
SHAPE = (20, 18, 12)
ORIENT: Any = (["orient"], [monai.Orientationd("image", "RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))])
SPACING: Any = (
    [{"resample": {"spacing": [1.51, 1.53, 2.07]}}],
    [monai.Spacingd("image", (1.51, 1.53, 2.07), mode="bilinear")],
)
SCALE: Any = (
    [{"scale_range": {"low": -1000, "high": 1000}}],
    [monai.ScaleIntensityRanged("image", -1000, 1000, 0, 1, clip=True)],
)
FOREGROUND: Any = (
    [{"crop_foreground": {"above": 0.8}}],
    [monai.CropForegroundd("image", "image", select_fn=lambda x: x > 0.8)],
)
PAD: Any = ([{"pad": {"multiple_of": [16, 8, 16]}}], [monai.DivisiblePadd("image", (16, 8, 16))])
MIDDLE: Any = ([{"crop": {"size": [7, 6, 5]}}], [monai.CenterSpatialCropd("image", (7, 6, 5))])
RESIZE: Any = (
    [{"resize": {"size": [11, 12, 13], "method": "linear"}}],
    [monai.Resized("image", (11, 12, 13), mode="trilinear")],
)
AREA: Any = ([{"resize": {"size": [8, 9, 7]}}], [monai.Resized("image", (8, 9, 7), mode="area")])
NEAREST: Any = (
    [{"resample": {"spacing": [1.51, 1.52, 2.03], "method": "nearest"}}],
    [monai.Spacingd("image", (1.51, 1.52, 2.03), mode="nearest")],
)
CHAINS = {
    "usual": [ORIENT, SPACING, SCALE],
    "cut_before": [ORIENT, SCALE, FOREGROUND, SPACING],
    "cut_after": [ORIENT, SPACING, SCALE, FOREGROUND, PAD],
    "oriented_last": [SPACING, MIDDLE, ORIENT, PAD],
    "not_resampled": [ORIENT, MIDDLE, PAD],
    "resized": [ORIENT, MIDDLE, RESIZE],
    "resized_twice": [ORIENT, SPACING, MIDDLE, RESIZE, PAD],
    "by_area": [PAD, AREA, ORIENT],
    "nearest": [ORIENT, NEAREST, MIDDLE],
    "nothing": [],
}


def _network(volume: torch.Tensor) -> torch.Tensor:
    """Fixed random weights: (1, i, j, k) to (CLASSES, i, j, k)."""
    generator = torch.Generator().manual_seed(5)
    first = torch.randn((6, 1, 3, 3, 3), generator=generator)
    second = torch.randn((CLASSES, 6, 1, 1, 1), generator=generator)
    hidden = torch.nn.functional.conv3d(volume[None], first, padding=1).sin()
    return torch.nn.functional.conv3d(hidden, second)[0]


def _prepared(path: Path, chain: list[Any]) -> tuple[Volume, Any, Any]:
    """Our volume, MONAI's transforms and what they made of the same file."""
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj, np.float32)[None]
    steps = parse_steps([step for ours, _ in chain for step in ours])
    ours = prepared(steps, Volume(voxels, Grid(voxels.shape[1:], image.affine)))
    theirs = [transform for _, many in chain for transform in many]
    compose = monai.Compose([monai.LoadImaged("image"), monai.EnsureChannelFirstd("image"), *theirs])
    return ours, compose, compose({"image": str(path)})


def _file(tmp_path: Path, grid: str) -> Path:
    path = tmp_path / "volume.nii"
    nibabel.save(nibabel.Nifti1Image(noise(SHAPE)[0], GRIDS[grid]), path)
    return path


def _fed(ours: Volume, decision: Decision, axis: int, values: torch.Tensor, many: int) -> np.ndarray[Any, Any]:
    """All slabs of labels, each plane once, put together."""
    way = LabelSlabs(ours.back, ours.grid, decision, axis=axis)
    slabs = [slab for part in values.split(many, 1 + axis) for slab in way.feed(part)] + way.finish()
    starts = [slab.start for slab in slabs]
    assert starts in (sorted(starts), sorted(starts, reverse=True))
    slabs.sort(key=lambda slab: slab.start)
    return np.concatenate([slab.labels for slab in slabs], slabs[0].labels.ndim - 3 + way.along)


@pytest.mark.parametrize(
    ("chain", "grid", "axis"),
    [
        *((chain, grid, 2) for chain in CHAINS for grid in ("axial", "oblique", "tilted") if chain != "nearest"),
        *(("nearest", grid, 2) for grid in ("axial", "sagittal", "upside_down")),
        *((chain, grid, 0) for chain in ("usual", "cut_after", "oriented_last") for grid in GRIDS),
        *(("cut_before", grid, 1) for grid in GRIDS),
    ],
)
def test_labels_equal_those_that_monai_inverts(tmp_path: Path, chain: str, grid: str, axis: int) -> None:
    ours, compose, data = _prepared(_file(tmp_path, grid), CHAINS[chain])
    np.testing.assert_allclose(ours.voxels, data["image"].numpy(), atol=2e-2 if grid.startswith("tilted") else 2e-3)
    data["pred"] = values = _network(data["image"].as_tensor())
    post = monai.Compose(
        [
            monai.Activationsd("pred", softmax=True),
            monai.Invertd("pred", compose, "image", nearest_interp=False, to_tensor=True),
            monai.AsDiscreted("pred", argmax=True),
        ]
    )
    expected = post(data)["pred"].numpy()[0]
    decision = Decision("labels", tuple(range(CLASSES)), tuple(range(CLASSES)), activation="softmax")
    result = _fed(ours, decision, axis, values, 3)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("grid", ["sagittal", "tilted_coronal"])
@pytest.mark.parametrize("chain", ["usual", "cut_before", "not_resampled", "resized_twice"])
def test_marks_equal_those_that_monai_inverts(tmp_path: Path, chain: str, grid: str, axis: int) -> None:
    ours, compose, data = _prepared(_file(tmp_path, grid), CHAINS[chain])
    data["pred"] = values = _network(data["image"].as_tensor())
    post = monai.Compose(
        [
            monai.Activationsd("pred", sigmoid=True),
            monai.Invertd("pred", compose, "image", nearest_interp=False, to_tensor=True),
            monai.AsDiscreted("pred", threshold=0.5),
        ]
    )
    expected = post(data)["pred"].numpy()
    decision = Decision("marks", (0, 2, 1), (1, 3, 2), activation="sigmoid")
    np.testing.assert_array_equal(_fed(ours, decision, axis, values, 2), expected[[0, 2, 1]])


def _random(chain: str, grid: str, classes: int) -> tuple[Volume, torch.Tensor]:
    steps = parse_steps([step for ours, _ in CHAINS[chain] for step in ours])
    ours = prepared(steps, Volume(noise(SHAPE), Grid(SHAPE, GRIDS[grid])))
    return ours, torch.from_numpy(noise(ours.grid.shape, channels=classes, scale=2, seed=8))


@pytest.mark.parametrize("grid", ["axial", "tilted"])
@pytest.mark.parametrize("many", [1, 5, 99])
def test_slabs_of_any_thickness_give_the_labels_of_the_whole(grid: str, many: int) -> None:
    ours, values = _random("usual", grid, 3)
    decision = Decision("labels", (0, 1, 2), (0, 300, 7), activation="softmax")
    expected = decided_whole(values, ours.back, ours.grid, decision)
    result = _fed(ours, decision, 2, values, many)
    assert result.dtype == np.uint16
    assert (result != expected).mean() < 1e-4


@pytest.mark.parametrize("kind", ["labels", "marks"])
def test_an_activation_may_come_after_interpolation_as_nnunet_has_it(kind: Any) -> None:
    ours, values = _random("usual", "axial", 3)
    activation: Any = "softmax" if kind == "labels" else "sigmoid"
    decision = Decision(kind, (0, 1, 2), (0, 1, 2), activation=activation, late=True, threshold=0.7)
    expected = decided_whole(values, ours.back, ours.grid, decision)
    assert (_fed(ours, decision, 2, values, 4) != expected).mean() < 1e-4
    early = decided_whole(values, ours.back, ours.grid, Decision(kind, (0, 1, 2), (0, 1, 2), activation=activation))
    assert (early != expected).any()


def test_nnunet_s_own_axis_goes_back_by_the_nearest() -> None:
    steps = parse_steps([{"resample": {"spacing": [1, 1, 1.7], "like": "nnunet", "method": "spline"}}])
    ours = prepared(steps, Volume(noise(SHAPE), Grid(SHAPE, affine_of("LPS", (0.7, 0.7, 4)))))
    assert ours.back[0].settings["methods"] == ("linear", "linear", "nearest_up")
    values = torch.from_numpy(noise(ours.grid.shape, channels=3, seed=8))
    decision = Decision("labels", (0, 1, 2), (0, 1, 2))
    expected = decided_whole(values, ours.back, ours.grid, decision)
    assert (_fed(ours, decision, 2, values, 4) != expected).mean() < 1e-4


def test_what_was_cropped_away_is_background_whatever_the_channels_mean() -> None:
    ours, values = _random("not_resampled", "axial", 2)
    kept = np.zeros(SHAPE, bool)
    kept[7:14, 6:12, 4:9] = True
    labels = _fed(ours, Decision("labels", (0, 1), (4, 5)), 2, values, 3)
    assert (labels > 0).sum() == kept.sum()
    marks = _fed(ours, Decision("marks", (0,), (1,), threshold=-1e9), 2, values, 3)
    assert marks.sum() == kept.sum()


def test_few_planes_are_held_and_few_voxels_decided_at_a_time() -> None:
    steps = parse_steps(["orient", {"resample": {"spacing": [2, 2, 2]}}])
    shape = (12, 12, 60)
    ours = prepared(steps, Volume(np.zeros((1, *shape), np.float32), Grid(shape, affine_of("LPS", (1, 1, 1)))))
    way = LabelSlabs(ours.back, ours.grid, Decision("labels", (0, 1), (0, 1)))
    held, most = [], 0
    for plane in torch.zeros((2, *ours.grid.shape)).split(1, 3):
        slabs = way.feed(plane)
        most = max([most, *(slab.labels.shape[2] for slab in slabs)])
        held.append(way.held)
    assert max(held) <= 3
    assert most <= 4


def test_planes_that_are_missing_or_too_many_are_an_error() -> None:
    ours, values = _random("usual", "axial", 2)
    way = LabelSlabs(ours.back, ours.grid, Decision("labels", (0, 1), (0, 1)))
    way.feed(values[..., :3])
    with pytest.raises(ValueError, match=r"3 of \d+ planes were fed"):
        way.finish()
    with pytest.raises(ValueError, match="more planes were fed"):
        way.feed(torch.cat([values, values], 3))
