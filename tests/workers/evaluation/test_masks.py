"""Masks of a run against label maps: what each structure comes to, and figures over rows."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from cluster.storage import StorageSettings, open_store
from workers.evaluation.columns import SUBJECT, fault_column, masks_column, score_column, truth_column
from workers.evaluation.mask_sums import MaskSums
from workers.evaluation.masks import NO_FILE, OUTSIDE, open_masks, with_masks
from workers.evaluation.settings import EvaluateInput

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


def label_map(*boxes: tuple[int, int]) -> np.ndarray:
    """(10, 9, 8): value and first index along i of boxes of four voxels along each axis."""
    found = np.zeros((10, 9, 8), np.uint8)
    for value, start in boxes:
        found[start : start + 4, 2:6, 2:6] = value
    return found


def save(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path.name


def source(folder: Path, **more: object) -> EvaluateInput:
    outcome = {"task": "segmentation", "score": "mask", "truth": "uri", "structures": {"one": 1, "other": [2, 3]}}
    labels = {"uri": str(folder / "labels"), "pattern": "{id}"}
    return EvaluateInput.model_validate(
        {"run": "run", "labels": labels, "draws": 200, "outcomes": {"found": {**outcome, **more}}}
    )


def compared(folder: Path, pairs: list[tuple[str | None, str | None]], **more: object) -> pl.DataFrame:
    """Rows with the masks and label maps of these names."""
    asked = source(folder, **more)
    files = open_masks(asked, open_store(str(folder / "run")), StorageSettings())
    assert files is not None
    rows = pl.DataFrame(pairs, {score_column("found"): pl.String, "uri": pl.String}, orient="row")
    return with_masks(rows, "found", asked.outcomes["found"], files)


def test_structures_are_counted_measured_and_sized(tmp_path: Path) -> None:
    save(tmp_path / "run/a.nii.gz", label_map((1, 2)))
    save(tmp_path / "labels/a.nii.gz", label_map((1, 3)))
    (one, other) = compared(tmp_path, [("a.nii.gz", "a.nii.gz")])[masks_column("found")][0]
    assert (one["predicted"], one["true"], one["shared"]) == (64, 64, 48)
    assert one["dice"] == pytest.approx(0.75)
    assert one["hd95"] == pytest.approx(1.0)
    assert one["surface_dice"] == pytest.approx(1.0)
    assert one["true_ml"] == pytest.approx(64 * 6 / 1000)
    assert (other["predicted"], other["true"], other["dice"], other["hd95"]) == (0, 0, None, None)


def test_a_label_map_whose_axes_run_the_other_way_is_the_same(tmp_path: Path) -> None:
    values = label_map((1, 2), (3, 6))
    save(tmp_path / "run/a.nii.gz", values)
    turned = np.diag([-1.0, 2.0, 3.0, 1.0])
    turned[0, 3] = 9
    save(tmp_path / "labels/a.nii.gz", values[::-1].copy(), turned)
    (one, other) = compared(tmp_path, [("a.nii.gz", "a.nii.gz")])[masks_column("found")][0]
    assert one["dice"] == other["dice"] == 1
    assert other["surface_dice"] == 1


def test_values_of_masks_may_be_others(tmp_path: Path) -> None:
    save(tmp_path / "run/a.nii.gz", label_map((7, 2)))
    save(tmp_path / "labels/a.nii.gz", label_map((1, 2)))
    assert compared(tmp_path, [("a.nii.gz", "a.nii.gz")], marked={"one": 7})[masks_column("found")][0][0]["dice"] == 1


def test_a_row_that_cannot_be_compared_says_why(tmp_path: Path) -> None:
    save(tmp_path / "run/a.nii.gz", label_map((1, 2)))
    save(tmp_path / "labels/short.nii.gz", label_map((1, 2))[:-1])
    far = AFFINE.copy()
    far[2, 3] = 5
    save(tmp_path / "labels/far.nii.gz", label_map((1, 2)), far)
    save(tmp_path / "labels/long.nii.gz", np.pad(label_map((1, 2)), ((0, 3), (0, 0), (0, 0))))
    save(tmp_path / "labels/half.nii.gz", label_map((1, 2)).astype(np.float32) + 0.5)
    (tmp_path / "labels/text.nii.gz").write_bytes(b"text")
    save(tmp_path / "elsewhere/a.nii.gz", label_map((1, 2)))
    names = ["none.nii.gz", str(tmp_path / "elsewhere/a.nii.gz"), "short.nii.gz", "far.nii.gz", "half.nii.gz"]
    names += ["text.nii.gz", "long.nii.gz"]
    rows = compared(tmp_path, [*(("a.nii.gz", name) for name in names), (None, "far.nii.gz")])
    faults = rows[fault_column("found")].to_list()
    assert faults[:2] == [NO_FILE, OUTSIDE]
    assert "has 9 x 9 x 8 voxels, and the volume 10 x 9 x 8" in faults[2]
    assert "lies 5 mm away from the volume" in faults[3]
    assert "no whole numbers" in faults[4]
    assert "is no volume" in faults[5]
    assert "has 13 x 9 x 8 voxels, and the volume 10 x 9 x 8" in faults[6]
    assert faults[7] is None
    assert rows[masks_column("found")].null_count() == 8
    assert rows[score_column("found")].null_count() == 1
    assert rows[truth_column("found")].null_count() == 0


def test_masks_that_may_overlap_are_said_to_be_the_reason(tmp_path: Path) -> None:
    save(tmp_path / "run/a.nii.gz", np.stack([label_map((1, 2))] * 2, axis=-1))
    save(tmp_path / "labels/a.nii.gz", label_map((1, 2)))
    (fault,) = compared(tmp_path, [("a.nii.gz", "a.nii.gz")])[fault_column("found")].to_list()
    assert "its mask has a volume for each structure" in fault
    assert "its label map" not in fault


def test_voxels_of_a_tilted_series_have_their_own_volume(tmp_path: Path) -> None:
    tilted = AFFINE.copy()
    tilted[1, 2] = 1.0
    save(tmp_path / "run/a.nii.gz", label_map((1, 2)), tilted)
    save(tmp_path / "labels/a.nii.gz", label_map((1, 3)), tilted)
    one = compared(tmp_path, [("a.nii.gz", "a.nii.gz")])[masks_column("found")][0][0]
    # 1 x 2 x 3 mm^3 sheared along j: the determinant stays.
    assert one["true_ml"] == pytest.approx(64 * 6 / 1000)
    assert one["predicted_ml"] == pytest.approx(64 * 6 / 1000)


def test_figures_are_means_over_rows_with_persons_drawn(tmp_path: Path) -> None:
    shifts = [0, 1, 2, 3, 1, 2]
    for number, shift in enumerate(shifts):
        save(tmp_path / f"run/{number}.nii.gz", label_map((1, 2 + shift), *([(2, 6)] if number == 5 else [])))
        save(tmp_path / f"labels/{number}.nii.gz", label_map((1, 2)))
    rows = compared(tmp_path, [(f"{number}.nii.gz", f"{number}.nii.gz") for number in range(6)])
    sums = MaskSums("found", source(tmp_path))
    rows = rows.with_columns(pl.Series(SUBJECT, ["a", "a", "b", "c", "d", "e"]))
    for part in (rows[:4], rows[4:]):
        sums.add(part, part.clear())
    found = {(one.name, one.point): one.estimate for one in sums.figures({})}
    dice = [1 - shift / 4 for shift in shifts[:5]]
    own = rows[masks_column("found")].to_list()[5][0]["dice"]
    assert found["dice", "one"].value == pytest.approx(np.mean([*dice, own]))
    low, high = found["dice", "one"].low, found["dice", "one"].high
    assert low is not None
    assert high is not None
    assert low < np.mean(dice) < high
    assert found["dice", "other"].value == 0
    assert found["made_up", "other"].value == 1
    assert found["missed", "one"].value == 0
    assert found["hd95", "other"].value is None
    assert found["hd95", "other"].note == "no row has it both predicted and true"
    assert found["macro_dice", ""].value == pytest.approx(np.mean([*dice, own]) / 2)
    assert found["volume_bias_ml", "one"].value == pytest.approx((own_ml(rows) - 64 * 6 / 1000) / 6)
    assert len(sums.volumes()["one"]["mean_ml"]) == 6


def own_ml(rows: pl.DataFrame) -> float:
    return float(rows[masks_column("found")].to_list()[5][0]["predicted_ml"])


def test_without_rows_nothing_is_told(tmp_path: Path) -> None:
    found = {(one.name, one.point): one.estimate for one in MaskSums("found", source(tmp_path)).figures({})}
    assert found["rows", ""].value == 0
    assert found["dice", "one"].value is None
