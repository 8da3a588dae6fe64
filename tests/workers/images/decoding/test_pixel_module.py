from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydicom import Dataset

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.pixel_module import PixelModule, check_holds, read_pixel_module

GREY = {
    "Rows": 4,
    "Columns": 6,
    "SamplesPerPixel": 1,
    "BitsAllocated": 16,
    "BitsStored": 12,
    "PixelRepresentation": 0,
    "PhotometricInterpretation": "MONOCHROME2",
}
COLOUR = {**GREY, "SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "PhotometricInterpretation": "RGB"}


def module(keyword: str = "PixelData", /, **attributes: Any) -> PixelModule:
    made = Dataset()
    for name, value in attributes.items():
        if value is not None:
            setattr(made, name, value)
    return read_pixel_module(made, keyword)


def refusal(keyword: str = "PixelData", /, **attributes: Any) -> RecordError:
    with pytest.raises(RecordError) as caught:
        module(keyword, **attributes)
    return caught.value


def test_a_signed_range_is_that_of_the_bits_stored_and_not_of_their_container() -> None:
    assert module(**GREY).stored_range == (0, 4095)
    assert module(**{**GREY, "PixelRepresentation": 1}).stored_range == (-2048, 2047)


@pytest.mark.parametrize("frames", [None, "", 0, "0"])
def test_an_image_that_does_not_count_its_frames_has_one(frames: Any) -> None:
    assert module(**{**GREY, "NumberOfFrames": frames}).frames == 1


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({**GREY, "NumberOfFrames": 3}, 4 * 6 * 2 * 3),
        (COLOUR, 4 * 6 * 3),
        ({**COLOUR, "PhotometricInterpretation": "YBR_FULL_422"}, 4 * 6 * 2),
        ({**GREY, "Rows": 3, "Columns": 3, "BitsAllocated": 1, "BitsStored": 1}, 2),
    ],
)
def test_native_bytes_are_those_of_all_frames_rounded_up(attributes: dict[str, Any], expected: int) -> None:
    assert module(**attributes).native_bytes == expected


def test_a_palette_has_one_sample_and_three_channels() -> None:
    palette = module(**{**GREY, "BitsAllocated": 8, "BitsStored": 8, "PhotometricInterpretation": "PALETTE COLOR"})
    assert (palette.samples, palette.channels) == (1, 3)


def test_floats_are_stored_in_all_bits_of_their_container_whatever_bits_stored_says() -> None:
    floats = module("FloatPixelData", **{**GREY, "BitsAllocated": 32, "PixelRepresentation": 1})
    assert (floats.is_float, floats.bits_stored, floats.signed) == (True, 32, False)


@pytest.mark.parametrize("name", ["BitsAllocated", "Columns", "PhotometricInterpretation", "Rows"])
def test_each_attribute_that_is_missing_is_named_and_the_record_unreadable(name: str) -> None:
    error = refusal(**{**GREY, name: None})
    assert (error.status, name in str(error)) == (Status.UNREADABLE, True)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Rows": 0}, Status.UNREADABLE),
        ({"NumberOfFrames": -1}, Status.UNREADABLE),
        ({"BitsStored": 17}, Status.UNREADABLE),
        ({"BitsStored": 0}, Status.UNREADABLE),
        ({"BitsAllocated": 24}, Status.UNSUPPORTED),
        ({"BitsAllocated": 64}, Status.UNSUPPORTED),
        ({"SamplesPerPixel": 3}, Status.UNREADABLE),
        ({"PhotometricInterpretation": "RGB"}, Status.UNREADABLE),
        ({"PhotometricInterpretation": "CMYK"}, Status.UNSUPPORTED),
        ({"PhotometricInterpretation": "YBR_FULL", "SamplesPerPixel": 3}, Status.UNSUPPORTED),
    ],
)
def test_what_contradicts_is_unreadable_and_what_is_rare_unsupported(changes: dict[str, Any], status: Status) -> None:
    assert refusal(**{**GREY, **changes}).status == status


def test_white_at_zero_has_no_meaning_for_floats() -> None:
    attributes = {**GREY, "BitsAllocated": 64, "PhotometricInterpretation": "MONOCHROME1"}
    assert refusal("DoubleFloatPixelData", **attributes).status == Status.UNSUPPORTED


@pytest.mark.parametrize(("native", "least"), [(True, 4 * 6 * 2 * 5), (False, 8 * 5)])
def test_a_byte_less_than_the_header_asks_for_is_refused(native: bool, least: int) -> None:
    five = replace(module(**GREY), frames=5)
    check_holds(five, native, least)
    with pytest.raises(RecordError, match="fewer bytes of pixels"):
        check_holds(five, native, least - 1)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("BitsStored", "bits_stored", 16),
        ("PixelRepresentation", "signed", False),
        ("SamplesPerPixel", "samples", 1),
        ("HighBit", "shift", 0),
        ("PlanarConfiguration", "planar", False),
    ],
)
def test_what_is_empty_or_absent_is_as_in_nearly_every_image(
    empty: str | None, name: str, field: str, expected: object
) -> None:
    assert getattr(module(**{**GREY, name: empty}), field) == expected


def test_colour_that_does_not_count_its_samples_has_three() -> None:
    assert module(**{**COLOUR, "SamplesPerPixel": None}).samples == 3


@pytest.mark.parametrize(("high", "shift"), [(11, 0), (13, 2), (15, 4), (16, 0), (3, 0)])
def test_high_bit_says_how_far_values_stand_above_the_lowest_bit(high: int, shift: int) -> None:
    assert module(**{**GREY, "HighBit": high}).shift == shift


@pytest.mark.parametrize("written", [" RGB", "RGB ", "rgb", "RGB\0"])
def test_blanks_around_a_code_and_small_letters_mean_nothing(written: str) -> None:
    assert module(**{**COLOUR, "PhotometricInterpretation": written}).photometric == "RGB"
