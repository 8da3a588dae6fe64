"""From a file to labels: a bundle read here gives what its own parts give, put together by MONAI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference

from tests.support import monai_bundles as zoo
from workers.contract import Placement
from workers.images.volumes.back.decision import Decision
from workers.images.volumes.back.slabs import LabelSlabs
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.monai.bundle import FORMAT
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.steps import parse_steps
from workers.images.volumes.volume import Grid, Volume

HIPPOCAMPUS = Path(__file__).parents[7] / "shared/data/hippocampus"
SIGMOID = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
THRESHOLD = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
SOFTMAX, INVERT, ARGMAX, SAVE = zoo.POSTPROCESSING
NEAREST = {**INVERT, "nearest_interp": True}
CASES: dict[str, dict[str, Any]] = {
    "spleen": {},
    "gaussian": {"inferer": {**zoo.SLIDING, "mode": "gaussian", "overlap": 0.25, "padding_mode": "replicate"}},
    "nearest": {"after": [SOFTMAX, ARGMAX, NEAREST, SAVE]},
    "regions": {"after": [SIGMOID, INVERT, THRESHOLD, SAVE]},
    "late": {"after": [INVERT, SIGMOID, THRESHOLD, SAVE]},
}


def of_file(path: Path) -> Volume:
    image = nibabel.load(path)
    return Volume(np.asarray(image.dataobj)[None], Grid(image.shape, np.asarray(image.affine, np.float64)))


def labels_of(root: Path, path: Path) -> np.ndarray:
    """Labels (i, j, k), or marks (structures, i, j, k), on the grid of the file."""
    card = FORMAT.describe(root)
    volume = volume_card(card)
    assert volume is not None
    assert volume.windows is not None
    made = prepared(parse_steps(card.prepare), of_file(path))
    model = FORMAT.load(root, card, Placement("cpu", 1))
    windows = volume.windows
    with torch.inference_mode():
        logits = sliding_window_inference(
            torch.from_numpy(made.voxels)[None], windows.roi, 4, model.forward, windows.overlap, windows.blend,
            windows.sigma_scale, {"edge": "replicate"}.get(windows.padding, windows.padding), windows.fill,
        )[0]  # fmt: skip
    way = LabelSlabs(made.back, made.grid, Decision.of(volume))
    slabs = sorted([*way.feed(logits), *way.finish()], key=lambda slab: slab.start)
    first = slabs[0].labels
    return np.concatenate([slab.labels for slab in slabs], first.ndim - 3 + slabs[0].axis)


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="the Decathlon's hippocampus is not there: ../shared/data")
@pytest.mark.parametrize("case", CASES)
def test_labels_of_a_real_scan_are_the_bundle_s_voxel_for_voxel(tmp_path: Path, case: str) -> None:
    path = sorted(HIPPOCAMPUS.glob("images/*.nii.gz"))[3]
    changes = dict(CASES[case])
    if "after" in changes:
        changes["postprocessing"] = {"_target_": "Compose", "transforms": changes.pop("after")}
    meta = zoo.metadata(channel_def={"0": "a", "1": "b", "2": "c"}) if case in ("regions", "late") else None
    root = zoo.write(tmp_path, zoo.inference(**changes), meta)
    theirs = zoo.monai_s_answer(root, path, tmp_path / "eval").numpy().astype(np.uint8)
    assert len(np.unique(theirs)) > 1
    ours = labels_of(root, path)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours, theirs if theirs.shape[0] > 1 else theirs[0])
    assert list((tmp_path / "eval").rglob("*.nii.gz"))


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="the Decathlon's hippocampus is not there: ../shared/data")
def test_what_monai_s_own_run_writes_are_these_labels(tmp_path: Path) -> None:
    pytest.importorskip("ignite", reason="MONAI runs bundles by pytorch-ignite, which is not installed")
    from monai.bundle import run

    path = sorted(HIPPOCAMPUS.glob("images/*.nii.gz"))[5]
    root = zoo.write(tmp_path, zoo.inference(datalist=[str(path)]))
    config = str(root / "configs/inference.json")
    run(run_id="run", init_id="initialize", config_file=config, bundle_root=str(root))
    (written,) = (root / "eval").rglob("*_seg.nii.gz")
    theirs = np.asarray(nibabel.load(written).dataobj)
    assert len(np.unique(theirs)) > 1
    np.testing.assert_array_equal(labels_of(root, path), theirs.astype(np.uint8))
