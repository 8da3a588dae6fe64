"""Masks as NIfTI: the same voxels at the same places for nibabel and SimpleITK, and the same bytes every time."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from schemas.errors import RecordError
from tests.support.marked_volumes import affine, card, marked, origin, planted, tilted, turns
from workers.images.settings import ImagesInput
from workers.images.volumes.files.opened import read_volume
from workers.images.volumes.outputs.marked import Marked
from workers.images.volumes.outputs.nifti import nifti_of
from workers.images.volumes.volume import Grid, Space

SOURCE = ImagesInput(collection="images", uri="/x", record="series")


def written(folder: Path, volume: Marked, **others: object) -> Path:
    path = folder / "mask.nii.gz"
    path.write_bytes(nifti_of(card(), volume, origin(volume.grid.shape[2], **others)))
    return path


@pytest.mark.parametrize("turn", turns())
def test_each_of_48_orientations_comes_back_to_the_same_places(tmp_path: Path, turn: NDArray[np.float64]) -> None:
    volume = marked(planted(), affine(turn))
    path = written(tmp_path, volume)
    read = nib.load(path)
    assert np.array_equal(np.asarray(read.dataobj), volume.labels)
    for matrix in (read.affine, read.get_sform(), read.get_qform()):
        assert np.abs(matrix - volume.grid.affine).max() < 1e-4
    image = sitk.ReadImage(str(path))
    for index in np.argwhere(planted() > 0)[::200]:
        x, y, z = volume.grid.affine[:3] @ [*index, 1.0]
        place = (-x, -y, z)
        assert image.TransformPhysicalPointToIndex(place) == tuple(index)
        assert image.GetPixel(*map(int, index)) == planted()[tuple(index)]
        assert image.TransformIndexToPhysicalPoint([int(n) for n in index]) == pytest.approx(place, abs=1e-3)


def test_a_sheared_grid_is_said_by_sform_alone_and_readers_of_quaternions_refuse(tmp_path: Path) -> None:
    volume = marked(planted(), tilted())
    path = written(tmp_path, volume)
    read = nib.load(path)
    assert (int(read.header["sform_code"]), int(read.header["qform_code"])) == (1, 0)
    assert np.abs(read.affine - tilted()).max() < 1e-4
    assert np.array_equal(np.asarray(read.dataobj), volume.labels)
    with pytest.raises(RuntimeError, match="orthonormal"):
        sitk.ReadImage(str(path))


def test_codes_say_to_what_space_the_affine_leads(tmp_path: Path) -> None:
    read = nib.load(written(tmp_path, marked(planted()), space=Space(4)))
    assert (int(read.header["sform_code"]), int(read.header["qform_code"])) == (4, 4)


@pytest.mark.parametrize(("unit", "unit_mm"), [("meter", 1000.0), ("mm", 1.0), ("micron", 0.001)])
@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5])
def test_every_reader_lays_a_mask_over_the_file_that_it_was_made_of(
    tmp_path: Path, code: int, unit: str, unit_mm: float
) -> None:
    labels = planted()
    image = nib.Nifti1Image(np.zeros(labels.shape, np.int16), None)
    image.header.set_zooms((0.7, 0.9, 2.5))
    image.set_sform(affine(np.diag([1.0, -1.0, 1.0])) if code else None, code)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "source.nii")
    header, _ = read_volume((tmp_path / "source.nii").read_bytes(), SOURCE)
    assert header.space == Space(code, unit_mm)
    path = written(tmp_path, marked(labels, header.affine), space=header.space)
    source, mask = nib.load(tmp_path / "source.nii"), nib.load(path)
    assert np.allclose(mask.affine, source.affine, rtol=1e-6)
    assert (int(mask.header["sform_code"]), mask.header.get_xyzt_units()[0]) == (code, unit)
    theirs, ours = sitk.ReadImage(str(tmp_path / "source.nii")), sitk.ReadImage(str(path))
    assert ours.GetSpacing() == pytest.approx(theirs.GetSpacing(), rel=1e-5)
    assert ours.GetOrigin() == pytest.approx(theirs.GetOrigin(), rel=1e-5)
    assert ours.GetDirection() == pytest.approx(theirs.GetDirection(), abs=1e-6)
    # Lengths are millimetres, as ITK has them; without a code each reader has an origin of its own.
    assert not code or header.affine[:3, 3] == pytest.approx(np.array(theirs.GetOrigin()) * (-1, -1, 1), rel=1e-5)


def test_names_stand_in_the_header(tmp_path: Path) -> None:
    read = nib.load(written(tmp_path, marked(planted())))
    (said,) = read.header.extensions
    assert said.get_code() == 6
    found = json.loads(said.get_content())
    assert {label: one["name"] for label, one in found["structures"].items()} == {
        "1": "liver",
        "2": "spleen",
        "3": "left_kidney",
        "4": "lesion",
    }
    assert (found["model"], found["values"]) == ("organs", "labels")
    assert read.header.get_intent() == ("label", (), "structures")


def test_the_bytes_are_the_same_whatever_the_order_of_the_voxels_and_no_clock_is_in_them(tmp_path: Path) -> None:
    volume = marked(planted())
    first = written(tmp_path, volume).read_bytes()
    other = dataclasses.replace(volume, labels=np.asfortranarray(planted()).astype(np.uint16))
    assert written(tmp_path, other).read_bytes() == first
    assert first[4:8] == b"\0\0\0\0"
    assert gzip.decompress(first)[-planted().size :] == planted().tobytes("F")


def test_the_type_is_the_models_not_the_volumes(tmp_path: Path) -> None:
    many = card(tuple(f"part_{n}" for n in range(300)))
    path = tmp_path / "mask.nii.gz"
    labels = planted().astype(np.uint16)
    path.write_bytes(nifti_of(many, dataclasses.replace(marked(planted()), labels=labels), origin(17)))
    assert nib.load(path).get_data_dtype() == np.uint16
    assert nib.load(written(tmp_path, marked(planted()))).get_data_dtype() == np.uint8
    assert np.array_equal(np.asarray(nib.load(path).dataobj), planted())


def test_structures_that_overlap_are_volumes_along_a_fourth_axis(tmp_path: Path) -> None:
    masks = {name: planted(seed) > 0 for seed, name in enumerate(("liver", "spleen", "left_kidney", "lesion"))}
    volume = dataclasses.replace(marked(planted()), labels=None, masks=masks)
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(nifti_of(card(activation="sigmoid"), volume, origin(17)))
    read = nib.load(path)
    assert read.shape == (*planted().shape, 4)
    for place, mask in enumerate(masks.values()):
        assert np.array_equal(np.asarray(read.dataobj)[..., place], mask)
    found = json.loads(read.header.extensions[0].get_content())
    assert found["structures"]["3"]["name"] == "lesion"
    assert sitk.ReadImage(str(path)).GetSize() == (*planted().shape, 4)


def test_a_volume_longer_than_the_header_can_say_is_too_large() -> None:
    labels = np.zeros((1, 1, 40_000), np.uint8)
    volume = Marked(Grid(labels.shape, np.eye(4)), labels, labels)
    with pytest.raises(RecordError, match="32767"):
        nifti_of(card(), volume, origin(1))
