"""From a scan to labels: what a trained folder gives here, nnU-Net's own arithmetic gives too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.transform import resize

from tests.support import nnunet_folders as zoo
from workers.contract import Placement
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.nnunet.folder import FORMAT
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

SPACING = (1.1, 0.9, 1.6)
REGIONS = {
    "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "inner": [3]},
    "regions_class_order": [1, 2, 3],
}


def scan() -> Volume:
    """A scan whose sides, once prepared, the network takes; zeros around it are cropped."""
    voxels = np.random.default_rng(1).normal(120, 60, (1, 19, 23, 14)).astype(np.float32).clip(1)
    voxels[:, :1], voxels[:, :, -3:], voxels[:, :, :, :1] = 0, 0, 0
    return Volume(voxels, Grid((19, 23, 14), np.diag([*SPACING, 1.0])))


def logits_and_labels(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the whole prepared scan, in nnU-Net's order of axes, and our labels on the grid of the scan."""
    card = FORMAT.describe(folder)
    volume = volume_card(card)
    assert volume is not None
    made = prepared(parse_steps(card.prepare), scan())
    sides = made.voxels.shape[1:]
    padded = np.pad(made.voxels, [(0, 0), *((0, -side % 8) for side in sides)])
    model = FORMAT.load(folder, card, Placement("cpu", 1))
    logits = model.forward(torch.from_numpy(padded)[None])[0][:, : sides[0], : sides[1], : sides[2]]
    way = LabelSlabs(made.back, made.grid, Decision.of(volume))
    slabs = sorted([*way.feed(logits), *way.finish()], key=lambda slab: slab.start)
    labels = np.concatenate([slab.labels for slab in slabs], slabs[0].labels.ndim - 3 + slabs[0].axis)
    return logits.numpy().transpose(0, 3, 2, 1), labels


def exported(logits: np.ndarray, regions: bool) -> np.ndarray:
    """nnU-Net's `convert_predicted_logits_to_segmentation_with_correct_shape` on axes (z, y, x), transposed not at all;
    then axes as ours."""
    whole = scan().voxels[0].transpose(2, 1, 0)
    box = tuple(slice(where.min(), where.max() + 1) for where in np.nonzero(whole))
    shape = whole[box].shape
    resampled = np.stack([resize(one.astype(float), shape, 1, mode="edge", anti_aliasing=False) for one in logits])
    if not regions:
        found = np.zeros(whole.shape, np.uint8)
        found[box] = resampled.argmax(0)
        return found.transpose(2, 1, 0)
    marks = np.zeros((len(logits), *whole.shape), np.uint8)
    marks[(slice(None), *box)] = 1 / (1 + np.exp(-resampled)) > 0.5
    return marks.transpose(0, 3, 2, 1)


@pytest.mark.parametrize("regions", [False, True], ids=["labels", "regions"])
def test_labels_are_what_nnunet_s_export_makes_of_the_same_logits(tmp_path: Path, regions: bool) -> None:
    weights: Any = zoo.network(0).state_dict()
    dataset = REGIONS if regions else None
    folder = zoo.write(tmp_path, [zoo.checkpoint(weights)], zoo.plans((0, 1, 2)), dataset)
    logits, ours = logits_and_labels(folder)
    theirs = exported(logits, regions)
    assert ours.shape == theirs.shape
    assert len(np.unique(theirs)) > 1
    # Where two values differ by less than rounding, either may be the larger.
    assert (ours != theirs).mean() < 1e-4
