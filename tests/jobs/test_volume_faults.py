"""Whatever is wrong with what lies in an archive of volumes, the run ends and each object has its status."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import Dataset

from tests.support.dicom_files import stored
from tests.support.runs import rows, run
from tests.support.series import ROOT, changed, made
from tests.support.volume_runs import make_model, write_spec

WORD = np.random.default_rng(0).integers(0, 255, (4, 5, 6)).astype(np.float32)

FLAT = np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def nifti(voxels: Any = WORD, affine: Any = None) -> bytes:
    return bytes(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine).to_bytes())


def with_value(value: float) -> bytes:
    voxels = WORD.copy()
    voxels[1, 2, 3] = value
    return nifti(voxels)


def write_series(folder: Path, name: str, slices: list[Dataset]) -> None:
    for number, slice_ in enumerate(slices):
        (folder / f"{name}-{number}.dcm").write_bytes(stored(slice_))


def series(name: int, count: int = 4, **attributes: Any) -> list[Dataset]:
    def change(slice_: Dataset, _: int) -> None:
        for keyword, value in attributes.items():
            setattr(slice_, keyword, value)

    return changed(made(count, series=f"{ROOT}.{name}", seed=name), change)


FILES = {
    "nan.nii": (with_value(np.nan), "out_of_contract", "not finite"),
    "inf.nii": (with_value(-np.inf), "out_of_contract", "not finite"),
    "4d.nii": (nifti(np.zeros((4, 5, 6, 3), np.int16)), "not_a_volume", "4 axes"),
    "flat.nii": (nifti(affine=FLAT), "unreadable", "singular"),
    "bomb.nii.gz": (gzip.compress(nifti(np.zeros((128, 128, 128), np.uint8))), "too_large", "inflates to more than"),
    "good.nii": (nifti(), "ok", ""),
}
PAIRS = {"a.hdr": "convert both to one .nii", "b.mhd": "one .mha", "c.nhdr": "one .nrrd"}
VOXELS = ("a.img", "b.raw", "c.raw.gz")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The rows of a run over all of it, by id."""
    folder = tmp_path_factory.mktemp("faults")
    archive = folder / "archive"
    archive.mkdir()
    make_model(folder / "model")
    for name, (body, _, _) in FILES.items():
        (archive / name).write_bytes(body)
    nibabel.save(nibabel.Nifti1Pair(WORD, np.eye(4)), archive / "a.img")
    sitk.WriteImage(sitk.GetImageFromArray(WORD), str(archive / "b.mhd"))
    sitk.WriteImage(sitk.GetImageFromArray(WORD), str(archive / "c.nhdr"), True)
    write_series(archive, "one", series(21, 1))
    write_series(archive, "nowhere", series(22, ImageOrientationPatient=None))
    write_series(archive, "flat", series(23, PixelSpacing=[0, 0]))
    both = series(24)
    both[1].PatientID = "another"
    write_series(archive, "both", both)
    write_series(archive, "good", series(25))
    run(write_spec(folder, str(folder / "out"), max_inflated="1000000").read_text())
    return {row["record_id"]: row for row in rows(folder / "out").to_dicts()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_status_that_says_what_is_wrong(found: dict[str, dict[str, Any]], name: str) -> None:
    _, status, words = FILES[name]
    assert (found[name]["status"], words in (found[name]["detail"] or "")) == (status, True)


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (21, "not_a_volume", "one slice is no volume"),
        (22, "not_a_volume", "ImageOrientationPatient"),
        (23, "not_a_volume", "PixelSpacing"),
        (24, "unreadable", "different patients"),
        (25, "ok", ""),
    ],
)
def test_a_series_has_the_status_that_says_what_is_wrong(
    found: dict[str, dict[str, Any]], number: int, status: str, words: str
) -> None:
    (row,) = [row for row in found.values() if row["series_uid"] == f"{ROOT}.{number}"]
    assert (row["status"], words in (row["detail"] or "")) == (status, True)


def test_a_header_whose_voxels_lie_beside_it_names_the_remedy(found: dict[str, dict[str, Any]]) -> None:
    for name, words in PAIRS.items():
        assert (found[name]["status"], words in found[name]["detail"]) == ("unsupported", True)
    assert {found[name]["status"] for name in VOXELS} == {"unreadable"}


def test_nothing_else_came_of_it(found: dict[str, dict[str, Any]]) -> None:
    assert len(found) == len(FILES) + len(PAIRS) + len(VOXELS) + 5


@pytest.mark.long
def test_three_thousand_slices_are_a_volume(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    make_model(tmp_path / "model")
    slices = made(3000, step=0.5)
    write_series(tmp_path / "archive", "x", slices)
    run(write_spec(tmp_path, str(tmp_path / "out")).read_text())
    (row,) = rows(tmp_path / "out").to_dicts()
    assert (row["status"], row["shape"]) == ("ok", [5, 6, 3000])
    labels = nibabel.load(tmp_path / "out" / row["mask_nifti"])
    there = np.stack([slice_.pixel_array.T for slice_ in slices], 2)[np.asarray(labels.dataobj) == 1]
    assert row["anterior"]["voxels"] == there.size
    assert row["anterior"]["mean"] == pytest.approx(there.mean(), rel=1e-9)
