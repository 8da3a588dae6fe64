from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai import transforms as monai
from monai.data import MetaTensor
from monai.transforms.utils import convert_applied_interp_mode

from tests.support.made_volumes import ORIENTATIONS, affine_of, noise, of_monai, tilted, turned
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs
from workers.images.volumes.back.whole import label_map_back, values_back
from workers.images.volumes.card import Structure, VolumeCard
from workers.images.volumes.prepare.axes import codes
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume


def _body(axes: str, spacing: tuple[float, float, float]) -> Volume:
    """A body that is different seen from every side, planted at fixed millimetres: the same in all orientations."""
    lengths = {"R": 34.0, "A": 27.0, "S": 40.0}
    towards = {"L": "R", "P": "A", "I": "S"}
    sides = [round(lengths[towards.get(letter, letter)] / step) for letter, step in zip(axes, spacing, strict=True)]
    affine = affine_of(axes, spacing, (0, 0, 0))
    corner = affine[:3, :3] @ (np.array(sides) - 1)
    affine[:3, 3] = -np.minimum(corner, 0)
    index = np.indices(sides).reshape(3, -1)
    x, y, z = affine[:3, :3] @ index + affine[:3, 3:]
    inside = ((x - 14) / 9) ** 2 + ((y - 12) / 7) ** 2 + ((z - 20) / 13) ** 2 < 1
    inside |= (abs(x - 27) < 3) & (abs(y - 20) < 2.5) & (abs(z - 9) < 4)
    voxels = np.where(inside, 200, -100).astype(np.int16).reshape(1, *sides)
    return Volume(voxels, Grid((sides[0], sides[1], sides[2]), affine))


def _labelled(volume: Volume, threshold: float) -> Any:
    """Two channels of a network that sees what is brighter than a threshold."""
    bright = torch.from_numpy(volume.voxels[0].astype(np.float32)) - threshold
    return torch.stack([-bright, bright])


def _back(ours: Volume, values: torch.Tensor) -> Any:
    way = LabelSlabs(ours.back, ours.grid, Decision("labels", (0, 1), (0, 1)))
    slabs = [slab for part in values.split(4, 3) for slab in way.feed(part)] + way.finish()
    return np.concatenate([slab.labels for slab in sorted(slabs, key=lambda slab: slab.start)], way.along)


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_a_body_in_any_of_48_orientations_is_labelled_where_it_lies(axes: str) -> None:
    made = _body(axes, (1, 1, 1))
    truth = made.voxels[0] > 50
    for wanted in ("RAS", "LPS", "SRA"):
        turned = prepared(parse_steps([{"orient": {"axes": wanted}}]), made)
        assert codes(turned.grid.affine) == wanted
        np.testing.assert_array_equal(_back(turned, _labelled(turned, 50)), truth)
        np.testing.assert_array_equal(label_map_back(turned.voxels[0], turned.back, turned.grid), made.voxels[0])


@pytest.mark.parametrize("axes", ORIENTATIONS[::5])
def test_a_resampled_body_is_the_same_in_any_orientation(axes: str) -> None:
    steps = parse_steps(["orient", {"resample": {"spacing": [0.8, 0.9, 0.7]}}, {"pad": {"multiple_of": [8, 8, 8]}}])
    made = _body(axes, (1, 1, 1))
    ours, upright = prepared(steps, made), prepared(steps, _body("RAS", (1, 1, 1)))
    np.testing.assert_allclose(ours.voxels, upright.voxels, atol=1e-3)
    np.testing.assert_allclose(ours.grid.affine, upright.grid.affine, atol=1e-9)
    truth = made.voxels[0] > 50
    result = _back(ours, _labelled(ours, 50)).astype(bool)
    assert 2 * (result & truth).sum() / (result.sum() + truth.sum()) > 0.97
    # The same voxels in millimetres: turned upright, the label maps are equal.
    wanted = prepared(parse_steps(["orient"]), Volume(result[None], made.grid)).voxels[0]
    np.testing.assert_array_equal(wanted, _back(upright, _labelled(upright, 50)))


def test_by_the_nearest_voxel_a_label_map_comes_back_from_a_finer_grid_unchanged() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (12, 13, 9)).astype(np.uint8)
    for affine in (affine_of("LPS", (1, 1.2, 3)), turned(affine_of("ASL", (1, 1, 2)), (4, 5, 6))):
        steps = parse_steps(["orient", {"resample": {"spacing": [0.31, 0.33, 0.37], "method": "nearest"}}])
        ours = prepared(steps, Volume(labels[None], Grid(labels.shape, affine)))
        back = label_map_back(ours.voxels[0].astype(np.uint8), ours.back, ours.grid)
        assert back.dtype == np.uint8
        np.testing.assert_array_equal(back, labels)


def test_a_label_map_of_a_tilted_series_returns_on_its_slices() -> None:
    labels = np.zeros((30, 30, 12), np.uint8)
    labels[8:20, 11:17, 3:9] = 2
    made = Volume(labels[None], Grid(labels.shape, tilted(affine_of("LPS", (1, 1, 3)), 0.9)))
    ours = prepared(parse_steps(["orient", {"resample": {"spacing": [0.5, 0.5, 0.5], "method": "nearest"}}]), made)
    back = label_map_back(ours.voxels[0].astype(np.uint8), ours.back, ours.grid)
    assert back.shape == labels.shape
    assert (back != labels).sum() <= 0.02 * (labels > 0).sum()


@pytest.mark.parametrize("nearest", [True, False])
def test_values_equal_those_that_monai_inverts(nearest: bool) -> None:
    made = Volume(noise((14, 15, 9)), Grid((14, 15, 9), affine_of("LPI", (0.9, 1.1, 2.7))))
    ours = prepared(
        parse_steps(["orient", {"resample": {"spacing": [1.3, 1.3, 1.3]}}, {"crop": {"size": [7, 0, 9]}}]), made
    )
    chain = [
        monai.Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
        monai.Spacing((1.3, 1.3, 1.3)),
        monai.CenterSpatialCrop((7, -1, 9)),
    ]
    seen = of_monai(made)
    for transform in chain:
        seen = transform(seen)
    values = torch.from_numpy(noise(ours.grid.shape, channels=3, seed=3))
    expected = MetaTensor(values, meta=seen.meta, applied_operations=seen.applied_operations)
    if nearest:
        expected.applied_operations = convert_applied_interp_mode(seen.applied_operations, mode="nearest")
    for transform in reversed(chain):
        expected = transform.inverse(expected)
    np.testing.assert_allclose(values_back(values, ours.back, ours.grid, nearest=nearest), expected.numpy(), atol=2e-3)


def test_a_card_tells_how_values_become_labels() -> None:
    structures = (Structure(name="liver", label=5, channel=1), Structure(name="spleen", label=1, channel=3))
    card = VolumeCard(task="segmentation", channels=1, outputs=4, activation="softmax", structures=structures)
    assert Decision.of(card).values == (0, 5, 0, 1)
    marks = Decision.of(card.model_copy(update={"activation": "sigmoid", "threshold": 0.3}))
    assert (marks.kind, marks.channels, marks.values, marks.threshold) == ("marks", (1, 3), (5, 1), 0.3)
    assert Decision.of(card.model_copy(update={"activation": "none"})).kind == "labels"
    assert not Decision.of(card).late
    assert Decision.of(card.model_copy(update={"late": True})).late
