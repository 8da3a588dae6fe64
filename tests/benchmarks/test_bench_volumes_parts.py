"""The parts of the volumes benchmark that can be wrong without anybody noticing."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml

from tests.benchmarks import ours_volumes
from tests.benchmarks.contestants import monai_bundle, monai_case
from tests.benchmarks.contestants.monai_chain import mask_of
from tests.benchmarks.label_maps import WrongMask, counted, least_dice
from tests.benchmarks.phantoms import FIRST, STEP_MM, Size, archive, cases, name_of, uid_of
from tests.benchmarks.segmenters import LABELS, Grid, read, write_models
from tests.support.one_thread import one_thread  # noqa: F401 - a fixture
from tests.support.runs import run
from tests.support.series import matrix, only, volumes_of
from workers.contract import Placement
from workers.images.volumes.formats import native

SIZE = Size(2, 40, 10, 14)
pytestmark = pytest.mark.long
"""Two networks are taught, which takes a quarter of a minute."""


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("series"), SIZE)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_models(tmp_path_factory.mktemp("models"), Grid((12.0, 12.0, 12.0), 16, 0.25), steps=30, balanced=True)


def test_any_ten_series_have_the_same_sizes() -> None:
    size = Size(40, 512, 60, 200)
    counts = [size.slices(volume) for volume in range(40)]
    assert {tuple(sorted(counts[start : start + FIRST])) for start in range(30)} == {tuple(sorted(counts[:FIRST]))}
    assert (min(counts), max(counts), size.all_slices) == (60, 200, 5200)


def test_a_series_is_one_volume_of_the_size_and_place_that_is_said(series: Path) -> None:
    for volume, folder in enumerate(cases(series)):
        found = only(volumes_of(path.read_bytes() for path in sorted(folder.iterdir())))
        assert (found.volume_id, found.status, len(found.slices)) == (uid_of(volume), None, SIZE.slices(volume))
        assert np.allclose(np.abs(matrix(found)[:3, :3]), np.diag([9.6, 9.6, STEP_MM]))


def test_the_network_of_a_directory_is_the_same_for_all(models: dict[str, Path]) -> None:
    for directory in models.values():
        theirs, _ = read(directory)
        ours = native.FORMAT.load(directory, native.FORMAT.describe(directory), Placement("cpu", 1))
        torch.manual_seed(3)
        noise = torch.nn.functional.interpolate(torch.rand(1, 1, 6, 6, 6), size=(32, 32, 32), mode="trilinear")
        with torch.inference_mode():
            logits = theirs(noise)
        assert torch.allclose(ours.forward(noise), logits, atol=1e-6)


def test_every_contestant_marks_what_a_run_marks(series: Path, models: dict[str, Path], tmp_path: Path) -> None:
    spec = ours_volumes.write_spec(tmp_path / "spec.yaml", series, models, tmp_path / "ours", SIZE.volumes)
    given = yaml.safe_load(spec.read_text())
    run(yaml.safe_dump({**given, "compute": {"pool": "serial", "decode": "threads", "shard_records": 1}}))
    ours = ours_volumes.masks(tmp_path / "ours", models, SIZE.volumes)
    monai_case.main(str(cases(series)[1]), tmp_path / "case", list(models.values()))
    for name, directory in models.items():
        theirs = mask_of(tmp_path / "case", directory, name_of(1))
        assert least_dice([counted(ours[name, uid_of(1)], theirs, len(LABELS[name]))]) > 0.999
    assert 0 < ours_volumes.figures(tmp_path / "ours", SIZE.volumes)["forward_share"] < 1


def test_a_bundle_marks_every_case(
    series: Path, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monai_bundle, "WORKERS", 0)
    monai_bundle.main(series, tmp_path, [models["lesions"]])
    monai_case.main(str(cases(series)[0]), tmp_path / "case", [models["lesions"]])
    one, other = (mask_of(folder, models["lesions"], name_of(0)) for folder in (tmp_path, tmp_path / "case"))
    assert least_dice([counted(one, other, 3)]) > 0.999
    assert mask_of(tmp_path, models["lesions"], name_of(1)).is_file()


def test_masks_of_other_grids_and_other_labels_are_found(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / "one.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels.astype(np.float32), np.eye(4)), tmp_path / "same.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([2.0, 1, 1, 1])), tmp_path / "grid.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels[::-1].copy(), np.eye(4)), tmp_path / "turned.nii.gz")
    assert least_dice([counted(tmp_path / "one.nii.gz", tmp_path / "same.nii.gz", 3)]) == 1
    with pytest.raises(WrongMask, match="different grids"):
        counted(tmp_path / "one.nii.gz", tmp_path / "grid.nii.gz", 3)
    with pytest.raises(WrongMask, match="agree with a Dice"):
        least_dice([counted(tmp_path / "one.nii.gz", tmp_path / "turned.nii.gz", 3)])
    with pytest.raises(WrongMask, match="is not there"):
        counted(tmp_path / "one.nii.gz", tmp_path / "none.nii.gz", 3)
