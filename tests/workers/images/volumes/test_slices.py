"""Slices of a series are pydicom's values, each by its own rescale, in one type that holds all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.uid import PositronEmissionTomographyImageStorage

from tests.support.dicom_files import settings, stored
from tests.support.series import made
from workers.contract import Array
from workers.images.volumes.assembly import Assembly
from workers.images.volumes.slices import build

LAST = 13.75


def pet(rescale: Sequence[tuple[float | str, float | str]]) -> list[Dataset]:
    """A slice for each slope and intercept, as PET scanners write them: 16 bits filled anew in every slice."""
    slices = made(len(rescale))
    for slice_, (slope, intercept) in zip(slices, rescale, strict=True):
        slice_.SOPClassUID, slice_.Modality, slice_.Units = PositronEmissionTomographyImageStorage, "PT", "BQML"
        slice_.RescaleSlope, slice_.RescaleIntercept = slope, intercept
    return slices


def volume(slices: Sequence[Dataset]) -> Array:
    handler = build({"input": settings(record="series").model_dump(mode="json")})
    assembly = Assembly((5, 6, len(slices)))
    for index, slice_ in enumerate(slices):
        context = {"format": "dicom", "frames": [0], "corners": [None]}
        (pixels,) = handler(memoryview(stored(slice_)), context).arrays
        assembly.put(index, pixels)
    return assembly.voxels[0]


def reference(slices: Sequence[Dataset]) -> Array:
    return np.stack([apply_modality_lut(one.pixel_array, one).T.astype(np.float64) for one in slices], -1)


@pytest.mark.parametrize(
    "rescale",
    [
        [(1, 0), (1.25, 0), (LAST, 0)],
        [(LAST, -0.5), (1, 0), (2, 0)],
        [("0.000123456789", 0), ("1.98765432101", 0), ("17.3", "-1024")],
        [(1, 0), (1, 0), (1, 0.5)],
    ],
)
def test_slopes_that_differ_from_slice_to_slice_give_float32_whichever_comes_first(
    rescale: list[tuple[float | str, float | str]],
) -> None:
    slices = pet(rescale)
    found = volume(slices)
    assert found.dtype == np.float32
    assert np.array_equal(found, reference(slices).astype(np.float32))


@pytest.mark.parametrize(
    ("rescale", "kind"),
    [
        ([(1, 0), (1, 0), (1, 0)], "uint16"),
        ([(1, -1024), (1, -1024), (1, 0)], "int32"),
        ([(2, 0), (5, -7), (1, 0)], "int32"),
        ([("3.0", "0.0"), (1, 0), ("70000", 0)], "int64"),
    ],
)
def test_whole_slopes_stay_whole_numbers_even_where_they_differ(
    rescale: list[tuple[float | str, float | str]], kind: str
) -> None:
    slices = pet(rescale)
    found = volume(slices)
    assert found.dtype == kind
    assert np.array_equal(found, reference(slices))


def test_real_values_go_through_pydicom_s_reader_too() -> None:
    slices = pet([(1.5, 0), (2.5, 1)])
    again = [pydicom.dcmread(pydicom.filebase.DicomBytesIO(stored(one))) for one in slices]
    assert np.array_equal(volume(slices), reference(again).astype(np.float32))
