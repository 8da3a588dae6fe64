"""Every file that pydicom ships: its status as judged by hand, and its pixels as pydicom's own functions give them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from tests.support.dicom_files import PYDICOM_DATA, settings
from workers.images.decoding.decode import Decoded, decode
from workers.images.decoding.headers import read_header

TABLE = Path(__file__).parents[3] / "cases" / "images" / "pydicom_statuses.csv"
CASES = [tuple(row.values()) for row in csv.DictReader(TABLE.open(newline=""))]
TWELVE_BIT = ("test_files/JPEG-lossy.dcm", "test_files/JPGExtended.dcm")
DICOM_IMAGES = [file for file, status, _ in CASES if status == "ok" and not file.endswith(".gz")]


def by_pydicom(dataset: Dataset, index: int) -> NDArray[Any]:
    stored = pixel_array(dataset, index=index)
    values = apply_modality_lut(stored, dataset)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(stored, dataset)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        low, high = stored_range(dataset)
        ends = apply_modality_lut(np.array([low, high], stored.dtype), dataset)
        return ends.max() + ends.min() - values
    return values


def stored_range(dataset: Dataset) -> tuple[int, int]:
    if dataset.PixelRepresentation:
        return -(1 << (dataset.BitsStored - 1)), (1 << (dataset.BitsStored - 1)) - 1
    return 0, (1 << dataset.BitsStored) - 1


def decoded(file: str, frame: int | None = None) -> Decoded:
    return decode((PYDICOM_DATA / file).read_bytes(), settings(), frame)


def test_the_table_names_every_file_that_pydicom_ships() -> None:
    folders = ("charset_files", "palettes", "test_files")
    shipped = {
        str(path.relative_to(PYDICOM_DATA))
        for folder in folders
        for path in (PYDICOM_DATA / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {file for file, _, _ in CASES} == shipped
    assert Counter(status for _, status, _ in CASES) == {"ok": 103, "no_pixels": 83, "unreadable": 17}


@pytest.mark.parametrize(("file", "status", "detail"), CASES)
def test_the_status_of_each_file_is_the_one_judged_by_hand(file: str, status: str, detail: str) -> None:
    error = decoded(file).error
    assert (("ok", "") if error is None else (error.status, error.detail)) == (status, detail)


@pytest.mark.parametrize("file", [file for file in DICOM_IMAGES if file not in TWELVE_BIT])
def test_pixels_equal_those_of_pydicoms_functions_in_their_order(file: str) -> None:
    dataset = dcmread(PYDICOM_DATA / file)
    frames = int(dataset.get("NumberOfFrames") or 1)
    for index in {0, frames // 2, frames - 1}:
        ours = decoded(file, index)
        assert ours.n_frames == frames
        (image,) = ours.frames
        np.testing.assert_array_equal(image.pixels, by_pydicom(dataset, index))
        assert image.pixels.dtype.isnative
        assert image.pixels.flags.c_contiguous
        assert image.value_range[0] <= image.pixels.min()
        assert image.pixels.max() <= image.value_range[1]


@pytest.mark.parametrize("file", [file for file in DICOM_IMAGES if "NumberOfFrames" in dcmread(PYDICOM_DATA / file)])
def test_all_frames_at_once_are_the_frames_one_by_one(file: str) -> None:
    together = decode((PYDICOM_DATA / file).read_bytes(), settings(frame="all"))
    assert len(together.frames) == together.n_frames
    for index in {0, together.n_frames // 2, together.n_frames - 1}:
        np.testing.assert_array_equal(together.frames[index].pixels, decoded(file, index).frames[0].pixels)


@pytest.mark.parametrize("file", TWELVE_BIT)
def test_twelve_bit_jpeg_equals_gdcms_own_reader(file: str) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(PYDICOM_DATA / file))
    assert reader.Read()
    buffer = reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape")
    (image,) = decoded(file).frames
    np.testing.assert_array_equal(image.pixels, np.frombuffer(buffer, "<u2").reshape(1024, 256))
    assert image.value_range == (0, 4095)


@pytest.mark.parametrize("file", DICOM_IMAGES)
def test_the_header_alone_tells_size_and_frames(file: str) -> None:
    ours = decoded(file)
    with (PYDICOM_DATA / file).open("rb") as reader:
        facts = read_header(reader, settings())
    assert (facts.n_frames, facts.rows, facts.columns) == (ours.n_frames, *ours.frames[0].pixels.shape[:2])
    assert facts.decodable


def test_a_gzipped_file_is_the_file() -> None:
    np.testing.assert_array_equal(
        decoded("test_files/zipMR.gz").frames[0].pixels, decoded("test_files/MR_small.dcm").frames[0].pixels
    )
