from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workers.images.decoding.pixel_module import PixelModule
from workers.images.decoding.stored_values import stored_values


def module(stored: int, signed: bool = False, shift: int = 0) -> PixelModule:
    return PixelModule("PixelData", 1, 1, 1, 1, 16, stored, signed, "MONOCHROME2", shift)


@pytest.mark.parametrize(
    ("samples", "bits", "described", "expected"),
    [
        # Of the container: BitsStored 12, the rest is an overlay or anything else.
        (np.array([0xF123, 0x0FFF], np.uint16), 16, module(12), [0x123, 0xFFF]),
        (np.array([0xF123, 0x0FFF, 0x0800], np.uint16), 16, module(12, signed=True), [0x123, -1, -2048]),
        # HighBit 15 and 13 of 12 stored bits.
        (np.array([0x1234, 0xFFFF], np.uint16), 16, module(12, shift=4), [0x123, 0xFFF]),
        (np.array([0x848F, 0xC003], np.uint16), 16, module(12, shift=2), [0x123, 0]),
        (np.array([0x8000], np.uint16), 16, module(12, signed=True, shift=4), [-2048]),
        # Of a codestream that has no bits below the value.
        (np.array([0x123], np.uint16), 12, module(12, shift=4), [0x123]),
        # Its precision is smaller than the header says: its highest bit is the sign.
        (np.array([0x1000, 0x0FFF], np.uint16), 13, module(16, signed=True), [-4096, 4095]),
        (np.array([200, 100], np.uint8), 8, module(16, signed=True), [-56, 100]),
        (np.array([200, 100], np.uint8), 8, module(16), [200, 100]),
        # A signed codestream under a header that says unsigned, and one with more bits than are stored.
        (np.array([-1, 5], np.int16), 13, module(13), [0x1FFF, 5]),
        (np.array([-1, 0x7FF, 0x17FF], np.int16), 16, module(12, signed=True), [-1, 0x7FF, 0x7FF]),
    ],
)
def test_a_value_is_its_stored_bits_with_their_sign(
    samples: Any, bits: int, described: PixelModule, expected: list[int]
) -> None:
    found = stored_values(samples, bits, described)
    assert found.tolist() == expected
    assert found.dtype.itemsize == samples.dtype.itemsize


def test_floats_are_themselves() -> None:
    floats = PixelModule("FloatPixelData", 1, 1, 1, 1, 32, 32, False, "MONOCHROME2")
    samples = np.array([0.5, -3], np.float32)
    assert stored_values(samples, 32, floats) is samples
