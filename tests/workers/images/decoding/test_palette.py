"""Palettes and lookup tables of DICOM, by hand and against pydicom."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, pixel_array

from schemas.errors import RecordError
from tests.support.dicom_files import PYDICOM_DATA
from workers.images.decoding.palette import coloured
from workers.images.lookup_tables import descriptor, entries


def header(*entries_of: list[int], first: int = 0, bits: int = 16) -> Dataset:
    made = Dataset()
    for colour, values in zip(("Red", "Green", "Blue"), entries_of, strict=True):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [len(values), first, bits])
        setattr(made, f"{colour}PaletteColorLookupTableData", np.array(values, "<u2").tobytes())
    made.set_original_encoding(False, True)
    return made


def test_values_below_and_beyond_the_palette_have_its_first_and_last_colour() -> None:
    made = header([10, 11, 12], [20, 21, 22], [30, 31, 32], first=5)
    found = coloured(np.array([[0, 5, 6, 7, 99]], np.uint16), made, signed=False)
    assert found[0].tolist() == [[10, 20, 30], [10, 20, 30], [11, 21, 31], [12, 22, 32], [12, 22, 32]]
    assert found.dtype == np.uint16


@pytest.mark.parametrize("name", ["examples_palette.dcm"])
def test_a_file_of_pydicoms_has_the_colours_that_pydicom_gives(name: str) -> None:
    dataset = dcmread(PYDICOM_DATA / "test_files" / name)
    stored = pixel_array(dataset)
    stored = stored[0] if stored.ndim == 3 else stored
    np.testing.assert_array_equal(coloured(stored, dataset, signed=False), apply_color_lut(stored, dataset)[..., :3])


def test_a_palette_that_is_lacking_is_unreadable() -> None:
    made = header([1], [2], [3])
    del made.BluePaletteColorLookupTableData
    with pytest.raises(RecordError, match="its colour palette cannot be applied"):
        coloured(np.zeros((1, 1), np.uint8), made, signed=False)


@pytest.mark.parametrize(
    ("values", "signed", "expected"),
    [
        ([256, 0, 8], False, (256, 0, 8)),
        ([0, 5, 16], False, (65536, 5, 16)),
        ([4, 0xFFFE, 16], True, (4, -2, 16)),
        ([4, 0xFFFE, 16], False, (4, 0xFFFE, 16)),
    ],
)
def test_a_descriptor_is_entries_first_value_and_bits(
    values: list[int], signed: bool, expected: tuple[int, int, int]
) -> None:
    assert descriptor(values, signed=signed) == expected


def test_entries_are_words_or_packed_two_in_a_word_and_no_more_than_the_descriptor_says() -> None:
    words = np.array([1, 2, 3, 4], "<u2").tobytes()
    assert entries(words, 4, little=True).tolist() == [1, 2, 3, 4]
    assert entries(words, 3, little=True).tolist() == [1, 2, 3]
    assert entries(words, 4, little=False).tolist() == [256, 512, 768, 1024]
    assert entries(bytes([1, 2, 3, 0]), 3, little=True).tolist() == [1, 2, 3]
    assert entries(bytes([2, 1, 4, 3]), 4, little=False).tolist() == [1, 2, 3, 4]
    assert entries([7, 8, 9], 2, little=True).tolist() == [7, 8]
