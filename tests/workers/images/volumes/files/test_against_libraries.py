"""Files of volumes are what nibabel, pynrrd and SimpleITK read of them: voxels, and where they lie."""

import gzip
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from workers.contract import Array
from workers.images.settings import ImagesInput
from workers.images.volumes.files.contract import FileHeader
from workers.images.volumes.files.opened import read_volume

SOURCE = ImagesInput(collection="images", uri="/x", record="series")
KINDS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
AFFINE = np.array([[1.0, 0.1, 0, 5], [0, 2, 0.3, -4], [0.2, 0, 3, 9], [0, 0, 0, 1]])


def made(kind: str = "int16") -> Array:
    values = np.random.default_rng(3).random((5, 6, 7)) * 100
    return values.astype(kind)


def read(data: bytes) -> tuple[FileHeader, Array]:
    return read_volume(data, SOURCE)


def itk_image(voxels: Array) -> Any:
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    image.SetSpacing((1.5, 2.5, 3.5))
    image.SetOrigin((3.0, -4.0, 5.0))
    cosine, sine = np.cos(0.3), np.sin(0.3)
    image.SetDirection((cosine, -sine, 0, sine, cosine, 0, 0, 0, 1))
    return image


def affine_of(image: Any) -> Array:
    """RAS+, by asking SimpleITK where voxels lie."""
    ends = [image.TransformIndexToPhysicalPoint(index) for index in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    points = np.array(ends) * [-1, -1, 1]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = (points[1:] - points[0]).T, points[0]
    return affine


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("image", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_nifti_of_every_type_is_nibabels(image: Any, kind: str) -> None:
    reference = image.from_bytes(image(made(kind), AFFINE, dtype=kind).to_bytes())
    header, voxels = read(reference.to_bytes())
    assert np.array_equal(voxels, reference.get_fdata(dtype=np.float32))
    assert np.array_equal(header.affine, reference.affine)
    assert voxels.dtype.kind == ("f" if kind.startswith("float") else np.dtype(kind).kind)


@pytest.mark.parametrize("scale", [(2.0, -1.0), (0.5, 3.0), (1.0, 0.25), (-3.0, 7.0), (0.0, 5.0), (np.nan, 1.0)])
def test_scl_slope_is_nibabels(scale: tuple[float, float]) -> None:
    image = nibabel.Nifti1Image(made(), AFFINE)
    body = bytearray(image.to_bytes())
    body[112:120] = np.array(scale, "<f4").tobytes()
    _, voxels = read(bytes(body))
    reference = nibabel.Nifti1Image.from_bytes(bytes(body)).get_fdata()
    assert np.array_equal(voxels, reference.astype(np.float32))


def test_nifti_in_the_other_byte_order_and_out_of_gzip() -> None:
    image = nibabel.Nifti1Image(made(), AFFINE, header=nibabel.Nifti1Header(endianness=">"))
    _, voxels = read(gzip.compress(image.to_bytes()))
    assert np.array_equal(voxels, made())


def test_the_sform_comes_before_the_qform() -> None:
    image = nibabel.Nifti1Image(made(), AFFINE)
    image.set_qform(np.diag([9.0, 9, 9, 1]), code=1)
    image.set_sform(AFFINE, code=2)
    assert np.array_equal(read(image.to_bytes())[0].affine, AFFINE.astype(np.float32))
    image.set_sform(None, code=0)
    assert np.allclose(read(image.to_bytes())[0].affine, np.diag([9.0, 9, 9, 1]))


def test_without_either_the_affine_is_nibabels_and_it_is_said() -> None:
    image = nibabel.Nifti1Image(made(), None)
    image.header.set_zooms((1.0, 2.0, 3.0))
    header, _ = read(image.to_bytes())
    assert np.allclose(header.affine, nibabel.Nifti1Image.from_bytes(image.to_bytes()).affine)
    assert "no place in the patient" in header.remark


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii", "nii.gz"])
@pytest.mark.parametrize("kind", ["int16", "uint8", "float32", "float64"])
def test_what_simpleitk_writes_lies_where_simpleitk_has_it(
    tmp_path: Path, ending: str, kind: str, compressed: bool
) -> None:
    image = itk_image(made(kind))
    sitk.WriteImage(image, str(tmp_path / f"x.{ending}"), compressed)
    header, voxels = read((tmp_path / f"x.{ending}").read_bytes())
    assert np.array_equal(voxels, made(kind).astype(np.float32 if kind == "float64" else kind))
    assert np.allclose(header.affine, affine_of(image), atol=1e-5)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "LAS"])
def test_nrrd_of_pynrrd(tmp_path: Path, encoding: str, space: str) -> None:
    path = tmp_path / "x.nrrd"
    directions = AFFINE[:3, :3].T
    fields = {"space": space, "space directions": directions, "space origin": AFFINE[:3, 3], "encoding": encoding}
    nrrd.write(str(path), made("int32"), fields)
    header, voxels = read(path.read_bytes())
    assert np.array_equal(voxels, nrrd.read(str(path))[0])
    if encoding != "bzip2":
        # Which SimpleITK cannot read. Of sheared directions it makes others, but the origin stays.
        assert np.allclose(header.affine[:3, 3], affine_of(sitk.ReadImage(str(path)))[:3, 3], atol=1e-4)
    signs = {"left-posterior-superior": (-1, -1, 1), "RAS": (1, 1, 1), "LAS": (-1, 1, 1)}[space]
    assert np.allclose(header.affine[:3, :3], np.diag(signs) @ AFFINE[:3, :3])
