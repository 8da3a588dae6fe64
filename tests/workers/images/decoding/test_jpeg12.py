"""JPEG Extended with 12 bits, as a plugin of pydicom."""

from types import SimpleNamespace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import get_frame

from tests.support.dicom_files import PYDICOM_DATA
from workers.images.decoding import jpeg12
from workers.images.decoding.jpeg12 import DECODER_DEPENDENCIES, decode_frame, is_available
from workers.images.decoding.transfer_syntax import JPEG_EXTENDED


def runner(**changes: int) -> Any:
    """What pydicom says of the frame."""
    return SimpleNamespace(**{"bits_allocated": 16, "samples_per_pixel": 1, **changes})


def test_it_decodes_one_transfer_syntax_and_says_what_it_needs() -> None:
    assert is_available(JPEG_EXTENDED)
    assert not is_available("1.2.840.10008.1.2.4.50")
    assert DECODER_DEPENDENCIES == {JPEG_EXTENDED: ("imagecodecs",)}


def test_samples_of_12_bits_come_as_little_endian_words() -> None:
    ramp = np.tile(np.linspace(0, 4095, 64), (48, 1)).astype(np.uint16)
    encoded = imagecodecs.jpeg8_encode(ramp, level=100, bitspersample=12)
    found = np.frombuffer(decode_frame(encoded, runner()), "<u2").reshape(48, 64)
    assert found.max() > 255
    assert np.abs(found.astype(int) - ramp).max() <= 8


def test_a_file_of_pydicoms_is_decoded_to_its_size_and_range() -> None:
    dataset = dcmread(PYDICOM_DATA / "test_files" / "JPEG-lossy.dcm")
    found = np.frombuffer(decode_frame(get_frame(dataset.PixelData, 0), runner()), "<u2")
    assert len(found) == dataset.Rows * dataset.Columns
    assert 255 < found.max() < 4096


@pytest.mark.parametrize("changes", [{"bits_allocated": 8}, {"samples_per_pixel": 3}])
def test_a_header_that_has_no_place_for_12_bit_grey_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="one 16-bit sample a pixel only"):
        decode_frame(b"", runner(**changes))


def test_without_the_library_it_is_not_available_rather_than_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg12, "find_spec", lambda name: None)
    assert not is_available(JPEG_EXTENDED)
