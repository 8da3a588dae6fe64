"""Phantoms of CT as DICOM series, one folder a series: a body, bones and organs in air, with noise, always the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import UID, CTImageStorage

from tests.support.dicom_files import dataset, stored

FIELD_MM = 384.0
"""Width of a slice, whatever its pixels."""
STEP_MM = 2.5
FIRST = 10
"""Series in the folder `first`; any ten that follow each other have the same sizes."""
_ROOT = "1.2.826.0.1.3680043.8.498.77"
_INTERCEPT = -1024
NOISE = 12.0
"""Standard deviation, Hounsfield units."""
_ORGANS = 12


@dataclass(frozen=True)
class Size:
    """How many series there are, the pixels along a side of their slices, and the fewest and most slices of one."""

    volumes: int
    side: int
    fewest: int
    most: int

    def slices(self, volume: int) -> int:
        """Slices of a series, evenly from the fewest to the most in every ten."""
        return round(self.fewest + (self.most - self.fewest) * (volume * 7 % FIRST) / (FIRST - 1))

    @property
    def all_slices(self) -> int:
        """Objects of the archive."""
        return sum(map(self.slices, range(self.volumes)))


def archive(folder: Path, size: Size) -> Path:
    """The folder with `first/c0000` and so on, and `rest/`, made once and kept in `folder`."""
    made = folder / f"series-{size.volumes}-{size.side}px-{size.fewest}-{size.most}"
    if made.is_dir():
        return made
    unfinished = folder / f"{made.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    for volume in range(size.volumes):
        write_series(unfinished / ("first" if volume < FIRST else "rest") / name_of(volume), volume, size)
    unfinished.rename(made)
    return made


def cases(archive_folder: Path) -> list[Path]:
    """The folders of all series, by name."""
    return sorted(archive_folder.glob("*/c*"))


def name_of(volume: int) -> str:
    """The folder of a series."""
    return f"c{volume:04d}"


def uid_of(volume: int) -> str:
    """The UID of a series, which is the id of its row."""
    return f"{_ROOT}.{volume + 1}"


def write_series(folder: Path, volume: int, size: Size) -> None:
    """One series, an object a slice."""
    folder.mkdir(parents=True)
    for index, values in enumerate(phantom(volume, size)):
        (folder / f"{index:04d}.dcm").write_bytes(_object(values, volume, index))


def phantom(volume: int, size: Size, noise: float = NOISE) -> Iterator[np.ndarray]:
    """Slices from the feet up, (rows, columns) float32 Hounsfield units."""
    random = np.random.default_rng(volume)
    side, count = size.side, size.slices(volume)
    y, x = (axis.astype(np.float32) for axis in np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j])
    wide, deep = random.uniform(0.75, 0.9), random.uniform(0.55, 0.7)
    inside = (x / wide) ** 2 + (y / deep) ** 2
    empty = np.where(inside < 1, np.float32(40), np.float32(-1000))
    # A spine, and what is in front of it.
    empty[(x / 0.1) ** 2 + ((y - 0.6 * deep) / 0.1) ** 2 < 1] = 500
    organs = [_organ(random, wide, deep) for _ in range(_ORGANS)]
    for index in range(count):
        values, height = empty.copy(), 2 * index / (count - 1) - 1
        for (at_x, at_y, at_z), (by_x, by_y, by_z), value in organs:
            left = 1 - ((height - at_z) / by_z) ** 2
            if left > 0:
                values[((x - at_x) / by_x) ** 2 + ((y - at_y) / by_y) ** 2 < left] = value
        yield values + random.standard_normal(values.shape, np.float32) * np.float32(noise)


def _organ(random: np.random.Generator, wide: float, deep: float) -> tuple[Any, Any, float]:
    """Centre and half axes as shares of half the volume, and a value."""
    centre = random.uniform(-0.6, 0.6, 3) * (wide, deep, 1.4)
    return centre, random.uniform(0.08, 0.35, 3), float(random.uniform(-80, 250))


def _object(values: np.ndarray, volume: int, index: int) -> bytes:
    pixels = np.clip(np.rint(values - _INTERCEPT), 0, 4095).astype(np.uint16)
    uid = UID(f"{uid_of(volume)}.{index + 1}")
    spacing = FIELD_MM / len(values)
    made = dataset(
        pixels,
        bits_stored=12,
        SOPClassUID=CTImageStorage,
        SOPInstanceUID=uid,
        SeriesInstanceUID=UID(uid_of(volume)),
        StudyInstanceUID=UID(f"{_ROOT}.0.{volume + 1}"),
        FrameOfReferenceUID=UID(f"{_ROOT}.0.{volume + 1}.1"),
        PatientID=f"phantom-{volume}",
        Modality="CT",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        RescaleSlope=1,
        RescaleIntercept=_INTERCEPT,
        PixelSpacing=[spacing, spacing],
        SliceThickness=STEP_MM,
        InstanceNumber=index + 1,
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[-FIELD_MM / 2, -FIELD_MM / 2, STEP_MM * index],
    )
    made.file_meta.MediaStorageSOPInstanceUID = uid
    return stored(made)
