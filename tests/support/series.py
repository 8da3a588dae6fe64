"""DICOM series made for a test: synthetic ones, and variants of the real ones in ../shared/data."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import UID, MRImageStorage

from tests.support.dicom_files import dataset, settings, stored
from workers.images.series.facts import SeriesVolume, SliceFacts
from workers.images.series.plan_volumes import plan_volumes
from workers.images.series.read_facts import read_facts

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DCM2NIIX = Path(__file__).resolve().parents[2] / ".venv-oracles" / "bin" / "dcm2niix"
T1 = REAL / "t1-series"
TILTED = REAL / "ct-tilted"
SERIES = REAL / "series"
ROOT = "1.2.826.0.1.3680043.8.498"
OBLIQUE = (0.9, 0.1, 0.0, -0.1, 0.9, 0.3)


def real(folder: Path) -> Path:
    """A folder of the real data; the test is skipped where it is absent."""
    if not folder.is_dir():
        pytest.skip(f"the real series are not here: {folder.name}")
    return folder


def files_of(folder: Path) -> list[Path]:
    """The objects of a real series, by name."""
    return sorted(path for path in real(folder).iterdir() if path.is_file() and path.suffix not in (".gz", ".json"))


def directions(vectors: Sequence[float] = OBLIQUE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthogonal unit vectors near these: along rows, along columns, and their normal."""
    row = np.asarray(vectors[:3]) / np.linalg.norm(vectors[:3])
    column = np.asarray(vectors[3:]) - (np.asarray(vectors[3:]) @ row) * row
    column /= np.linalg.norm(column)
    return row, column, np.cross(row, column)


def made(
    count: int = 8,
    *,
    step: float = 2.0,
    spacing: tuple[float, float] = (0.5, 0.75),
    size: tuple[int, int] = (6, 5),
    vectors: Sequence[float] = OBLIQUE,
    shear: Sequence[float] = (0.0, 0.0, 0.0),
    series: str = f"{ROOT}.7",
    seed: int = 0,
) -> list[Dataset]:
    """A regular series of synthetic slices in the order of their places. `size` is rows and columns; `shear` is by how
    much (mm) the next slice lies beside the normal."""
    row, column, normal = directions(vectors)
    pixels = np.random.default_rng(seed).integers(0, 1000, (count, *size), np.uint16)
    found = []
    for index in range(count):
        position = np.array([-30.0, 12.5, 40.25]) + index * (step * normal + np.asarray(shear))
        slice_ = dataset(
            pixels[index],
            SOPClassUID=MRImageStorage,
            SOPInstanceUID=UID(f"{series}.{index + 1}"),
            SeriesInstanceUID=UID(series),
            StudyInstanceUID=UID(f"{ROOT}.1"),
            FrameOfReferenceUID=UID(f"{ROOT}.2"),
            Modality="MR",
            ImageType=["ORIGINAL", "PRIMARY"],
            PixelSpacing=list(spacing),
            SliceThickness=step,
            InstanceNumber=index + 1,
            ImageOrientationPatient=[round(float(value), 9) for value in (*row, *column)],
            ImagePositionPatient=[round(float(value), 6) for value in position],
        )
        slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
        found.append(slice_)
    return found


def real_slices(folder: Path = T1) -> list[Dataset]:
    """The objects of a real series, in the order of their places. The list is the caller's, they are not."""
    return list(_read(folder))


@cache
def _read(folder: Path) -> list[Dataset]:
    return sorted(map(pydicom.dcmread, files_of(folder)), key=_along)


def _along(slice_: Dataset) -> float:
    vectors = [float(value) for value in slice_.ImageOrientationPatient]
    return float(np.cross(vectors[:3], vectors[3:]) @ np.asarray(slice_.ImagePositionPatient, float))


def shifted(slice_: Dataset, millimetres: float) -> None:
    """Move a slice along its normal."""
    vectors = [float(value) for value in slice_.ImageOrientationPatient]
    normal = np.cross(vectors[:3], vectors[3:])
    moved = np.asarray(slice_.ImagePositionPatient, float) + millimetres * normal
    slice_.ImagePositionPatient = [round(float(value), 6) for value in moved]


def renamed(slice_: Dataset, ending: str) -> None:
    """Another instance of the same."""
    slice_.SOPInstanceUID = UID(f"{str(slice_.SOPInstanceUID)[:50]}.{ending}")
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID


def changed(slices: Iterable[Dataset], change: Callable[[Dataset, int], None]) -> list[Dataset]:
    """The slices after `change(slice, index)`."""
    found = list(slices)
    for index, slice_ in enumerate(found):
        change(slice_, index)
    return found


def facts_of(slices: Iterable[Dataset | bytes], attributes: Sequence[str] = ()) -> list[SliceFacts]:
    """What is read of their headers; the objects are called `0000`, `0001`, ... in the order given."""
    found: list[SliceFacts] = []
    for number, slice_ in enumerate(slices):
        body = slice_ if isinstance(slice_, bytes) else stored(slice_)
        found += read_facts(BytesIO(body), settings(), f"{number:04}", attributes)
    return found


def volumes_of(slices: Iterable[Dataset | bytes]) -> list[SeriesVolume]:
    """What the slices come to, their pixels not compared."""
    return plan_volumes(facts_of(slices))


def dcm2niix(objects: Iterable[Dataset | bytes], folder: Path) -> list[nib.Nifti1Image]:
    """What dcm2niix makes of these objects, by the names of its files; the test is skipped where it is absent."""
    if not DCM2NIIX.is_file():
        pytest.skip("dcm2niix is not here: make oracles")
    source, out = folder / "objects", folder / "out"
    source.mkdir()
    out.mkdir()
    for number, slice_ in enumerate(objects):
        (source / f"{number:04}.dcm").write_bytes(slice_ if isinstance(slice_, bytes) else stored(slice_))
    subprocess.run([DCM2NIIX, "-b", "n", "-z", "n", "-o", out, source], check=False, capture_output=True, timeout=120)
    return [nib.load(path) for path in sorted(out.glob("*.nii"))]


def canonical(affine: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The affine of the same voxels with axes in the order and sense that is nearest to RAS."""
    turned = nib.as_closest_canonical(nib.Nifti1Image(np.zeros(tuple(shape[:3]), np.uint8), affine))
    return np.asarray(turned.affine)


def only(volumes: Sequence[SeriesVolume]) -> SeriesVolume:
    """The one volume that there is."""
    assert len(volumes) == 1, [(volume.volume_id, volume.status) for volume in volumes]
    return volumes[0]


def matrix(volume: SeriesVolume) -> np.ndarray:
    """Its affine."""
    assert volume.affine is not None
    return np.array(volume.affine)


def verdicts(volumes: Iterable[SeriesVolume]) -> list[tuple[str, int]]:
    """Status and number of slices of each."""
    return [(str(volume.status or "ok"), len(volume.slices)) for volume in volumes]
