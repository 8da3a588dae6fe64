"""Slices become voxels of the narrowest type that holds all of them."""

import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.volumes.assembly import Assembly


def assembled(*slices: np.ndarray) -> np.ndarray:
    assembly = Assembly((3, 2, len(slices)))
    for index, pixels in enumerate(slices):
        assembly.put(index, pixels)
    return assembly.voxels


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        (["uint8", "uint8"], "uint8"),
        (["uint8", "int16"], "int16"),
        (["uint16", "int16"], "int32"),
        (["int16", "float32"], "float32"),
        (["float32", "uint8", "int16"], "float32"),
        (["uint32", "int32"], "int64"),
    ],
)
def test_the_type_holds_every_slice(kinds: list[str], kind: str) -> None:
    slices = [np.full((2, 3), number + 1, name) for number, name in enumerate(kinds)]
    voxels = assembled(*slices)
    assert voxels.dtype == kind
    assert voxels[0, 0, 0].tolist() == [number + 1 for number in range(len(kinds))]


def test_columns_are_i_and_rows_are_j() -> None:
    pixels = np.arange(6).reshape(2, 3)
    assert np.array_equal(assembled(pixels)[0, :, :, 0], pixels.T)


def test_colours_are_channels() -> None:
    pixels = np.arange(18).reshape(2, 3, 3)
    assert np.array_equal(assembled(pixels)[:, :, :, 0], pixels.transpose(2, 1, 0))


def test_a_slice_of_another_size_is_not_the_one_that_was_planned() -> None:
    with pytest.raises(RecordError) as error:
        assembled(np.zeros((3, 2)))
    assert error.value.status is Status.INPUT_CHANGED


def test_grey_and_colour_are_no_volume() -> None:
    with pytest.raises(RecordError) as error:
        assembled(np.zeros((2, 3)), np.zeros((2, 3, 3)))
    assert error.value.status is Status.UNREADABLE
