"""Modality values against pydicom's own function, and the types by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.modality import inverted, modality_values, narrowest
from workers.images.decoding.pixel_module import PixelModule


def module(bits: int, signed: bool = False, keyword: str = "PixelData", **changes: Any) -> PixelModule:
    allocated = 8 if bits <= 8 else 16 if bits <= 16 else 32
    return replace(PixelModule(keyword, 1, 1, 1, 1, allocated, bits, signed, "MONOCHROME2"), **changes)


def rescale(slope: Any, intercept: Any) -> Dataset:
    made = Dataset()
    made.RescaleSlope, made.RescaleIntercept = slope, intercept
    return made


def table(entries: list[int], first: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, 16]
    item.LUTData = entries
    made = Dataset()
    made.ModalityLUTSequence = Sequence([item])
    return made


STORED: NDArray[Any] = np.array([[0, 1, 1024, 4095]], np.uint16)


@pytest.mark.parametrize(
    ("slope", "intercept", "kind", "value_range"),
    [
        ("1", "-1024", np.int16, (-1024, 3071)),
        ("-1", "0", np.int16, (-4095, 0)),
        ("20", "0", np.int32, (0, 81_900)),
        ("0.5", "-3", np.float64, (-3.0, 2044.5)),
    ],
)
def test_a_rescale_gives_pydicom_s_values_in_the_narrowest_type(
    slope: str, intercept: str, kind: type, value_range: tuple[float, float]
) -> None:
    values, found = modality_values(STORED, rescale(slope, intercept), module(12))
    assert np.array_equal(values, apply_modality_lut(STORED, rescale(slope, intercept)))
    assert (values.dtype, found) == (kind, value_range)


def test_a_rescale_that_changes_nothing_keeps_the_stored_range() -> None:
    values, found = modality_values(STORED, rescale(1, 0), module(12))
    assert (values.dtype, found) == (np.uint16, (0, 4095))
    assert np.array_equal(values, STORED)


def test_whole_numbers_beyond_what_a_float_holds_exactly_round_as_pydicom_s_do() -> None:
    stored = np.array([[2**31 - 1, 3]], np.int32)
    header = rescale(2**24 + 1, 1)
    values, _ = modality_values(stored, header, module(32, signed=True))
    assert values.dtype == np.float64
    assert np.array_equal(values, apply_modality_lut(stored, header))


def test_without_a_rescale_values_and_range_are_those_stored() -> None:
    values, found = modality_values(STORED, Dataset(), module(12))
    assert values is STORED
    assert found == (0, 4095)


def test_floats_have_no_range() -> None:
    stored = np.array([[0.25, -3.0]], np.float32)
    values, found = modality_values(stored, rescale(2, 1), module(32, keyword="FloatPixelData"))
    assert values.tolist() == [[1.5, -5.0]]
    assert found == (-math.inf, math.inf)


def test_a_table_holds_its_ends_for_values_outside_of_it() -> None:
    stored = np.array([[0, 9, 10, 11, 12, 255]], np.uint8)
    values, found = modality_values(stored, table([5, 300, 70], first=10), module(8))
    assert values.tolist() == [[5, 5, 5, 300, 70, 70]]
    assert found == (5, 300)


def test_a_table_that_starts_below_zero_is_applied_to_unsigned_pixels() -> None:
    values, _ = modality_values(np.array([[0, 1]], np.uint8), table([1, 2, 3, 4], first=-2), module(8))
    assert values.tolist() == [[3, 4]]


@pytest.mark.parametrize("header", [rescale(1, "1e400"), table([1, 2], 0)])
def test_what_cannot_be_applied_is_an_unreadable_record(header: Dataset) -> None:
    floats = module(32, keyword="FloatPixelData")
    with pytest.raises(RecordError) as caught:
        modality_values(np.ones((1, 1), np.float32), header, floats)
    assert caught.value.status == Status.UNREADABLE


@pytest.mark.parametrize(
    ("values", "value_range", "expected", "kind"),
    [
        (np.array([0, 1, 255], np.uint8), (0, 255), [255, 254, 0], np.uint8),
        (np.array([-1024, 3071], np.int16), (-1024, 3071), [3071, -1024], np.int16),
        (np.array([-32768, 32767], np.int16), (-32768, 32767), [32767, -32768], np.int16),
        (np.array([200], np.uint8), (0, 100), [-100], np.int16),
        (np.array([0.25], np.float32), (0.0, 1.0), [0.75], np.float32),
    ],
)
def test_inverting_keeps_the_type_where_it_holds_the_result(
    values: NDArray[Any], value_range: tuple[float, float], expected: list[float], kind: type
) -> None:
    result = inverted(values, value_range)
    assert (result.tolist(), result.dtype) == (expected, kind)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, 255, np.uint8),
        (0, 256, np.uint16),
        (-1, 255, np.int16),
        (-1, 32_768, np.int32),
        (0, 2**31, np.uint32),
        (-1, 2**31, np.int64),
    ],
)
def test_the_narrowest_type_holds_both_ends(low: int, high: int, kind: type) -> None:
    assert narrowest(low, high) is kind


@pytest.mark.parametrize(
    "attributes",
    [
        {"RescaleSlope": "", "RescaleIntercept": "-1024"},
        {"RescaleSlope": "2", "RescaleIntercept": ""},
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": "0", "RescaleIntercept": "0"},
        {"RescaleSlope": "0", "RescaleIntercept": "17"},
        {"RescaleSlope": "2"},
        {"ModalityLUTSequence": Sequence([Dataset()])},
        {"ModalityLUTSequence": Sequence([])},
    ],
)
def test_a_rescale_or_table_that_says_nothing_changes_nothing(attributes: dict[str, Any]) -> None:
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    values, found = modality_values(STORED, header, module(12))
    assert values is STORED
    assert found == (0, 4095)


@pytest.mark.parametrize(("photometric", "samples"), [("RGB", 3), ("PALETTE COLOR", 1)])
def test_colours_have_no_modality_values(photometric: str, samples: int) -> None:
    header = rescale(1, -1024)
    header.ModalityLUTSequence = table([9, 8], 0).ModalityLUTSequence
    found = module(8, photometric=photometric, samples=samples)
    values, value_range = modality_values(np.array([[3, 200]], np.uint8), header, found)
    assert (values.tolist(), value_range) == ([[3, 200]], (0, 255))


@pytest.mark.parametrize("little", [True, False])
def test_a_table_of_bytes_packed_in_words_is_read_in_the_order_of_the_file(little: bool) -> None:
    header = table([5, 30, 70], first=0)
    (item,) = header.ModalityLUTSequence
    item.LUTDescriptor = [3, 0, 8]
    item["LUTData"].VR = "OW"
    item["LUTData"].value = bytes([5, 30, 70, 0]) if little else bytes([30, 5, 0, 70])
    header.set_original_encoding(False, little)
    values, found = modality_values(np.array([[0, 1, 2, 9]], np.uint8), header, module(8))
    assert (values.tolist(), found) == ([[5, 30, 70, 70]], (5, 70))
