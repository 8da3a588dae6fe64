from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.pictures import noise, picture
from workers.images.prepare.voi import Voi


def _header(photometric: str = "MONOCHROME2", signed: bool = False) -> Dataset:
    header = Dataset()
    header.file_meta = Dataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.PhotometricInterpretation = photometric
    header.BitsStored, header.PixelRepresentation = 12, int(signed)
    return header


def _add_lut(header: Dataset, values: list[int] | bytes, first: int, bits: int, vr: str = "US") -> None:
    item = Dataset()
    count = len(values) // (2 if isinstance(values, bytes) else 1)
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [count % 2**16, first, bits])
    item.add_new("LUTData", vr, values)
    header.VOILUTSequence = [*header.get("VOILUTSequence", []), item]


def _stored() -> NDArray[Any]:
    return (noise(300, 290, dtype="uint16") // 16).astype(np.uint16)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "examples_jpeg2k.dcm", "MR_small_bigendian.dcm"])
def test_real_files_look_as_pydicom_shows_them(name: str) -> None:
    header = dcmread(get_testdata_file(name))
    values = apply_modality_lut(pixel_array(header), header)
    expected = apply_voi_lut(values, header)
    result = Voi()(picture(values, dataset=header))
    np.testing.assert_allclose(result.pixels, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("index", [0, 1])
def test_each_window_of_a_header_equals_pydicoms(function: str, index: int) -> None:
    header = _header()
    header.WindowCenter, header.WindowWidth = [600, 2000], [300, 1000]
    header.VOILUTFunction, header.RescaleSlope, header.RescaleIntercept = function, 2, -1024
    values = apply_modality_lut(_stored(), header)
    result = Voi(index=index)(picture(values, (-1024, 7166), dataset=header))
    np.testing.assert_allclose(result.pixels, apply_voi_lut(values, header, index), rtol=1e-6, atol=1e-4)
    assert result.value_range == (-1024, 7166)
    assert result.pixels.dtype == np.float32


@pytest.mark.parametrize(("first", "signed"), [(0, False), (1000, False), (-500, True)])
def test_a_lut_equals_pydicoms(first: int, signed: bool) -> None:
    header = _header(signed=signed)
    _add_lut(header, list(range(4095, 0, -2)), first, 12)
    pixels = _stored().astype(np.int16) - (2048 if signed else 0)
    inside = np.clip(pixels, first, None)
    result = Voi()(picture(pixels, dataset=header))
    np.testing.assert_array_equal(result.pixels, apply_voi_lut(inside, header))
    assert result.pixels.dtype == np.uint16
    assert result.value_range == (0, 4095)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_lut_words_are_read_in_the_byte_order_of_the_file(syntax: str) -> None:
    header = _header()
    header.file_meta.TransferSyntaxUID = syntax
    order = "<u2" if syntax == ExplicitVRLittleEndian else ">u2"
    _add_lut(header, (np.arange(4096) // 2).astype(order).tobytes(), 0, 16, "OW")
    result = Voi()(picture(_stored(), dataset=header)).pixels
    np.testing.assert_array_equal(result, apply_voi_lut(_stored(), header))
    np.testing.assert_array_equal(result, _stored() // 2)


def test_an_8_bit_lut_of_many_entries_does_not_wrap() -> None:
    header = _header()
    _add_lut(header, [value // 16 for value in range(4096)], 0, 8)
    result = Voi()(picture(_stored(), dataset=header))
    np.testing.assert_array_equal(result.pixels, _stored() // 16)
    assert result.pixels.dtype == np.uint8


def test_8_bit_entries_packed_in_words_are_understood() -> None:
    header = _header()
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 8])
    item.add_new("LUTData", "OW", bytes(value // 16 for value in range(4096)))
    header.VOILUTSequence = [item]
    np.testing.assert_array_equal(Voi()(picture(_stored(), dataset=header)).pixels, _stored() // 16)


def test_with_both_a_lut_and_a_window_the_setting_decides() -> None:
    header = _header()
    header.WindowCenter, header.WindowWidth = 600, 300
    _add_lut(header, list(range(4096)), 0, 12)
    values = _stored()
    for prefer_lut in (True, False):
        expected = apply_voi_lut(values, header, prefer_lut=prefer_lut)
        result = Voi(prefer_lut=prefer_lut)(picture(values, dataset=header)).pixels
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("kind", ["window", "lut"])
def test_monochrome1_is_pydicoms_view_in_the_mirror(kind: str) -> None:
    header = _header("MONOCHROME1")
    if kind == "lut":
        _add_lut(header, [value // 2 for value in range(4096)], 0, 12)
    else:
        header.WindowCenter, header.WindowWidth = 600, 300
    stored = _stored()
    result = Voi()(picture(4095 - stored, (0, 4095), dataset=header))
    np.testing.assert_allclose(result.pixels, 4095.0 - apply_voi_lut(stored, header), rtol=1e-6, atol=1e-3)


def test_without_a_view_the_image_is_kept_or_rejected_as_the_spec_says() -> None:
    colour = _header("RGB")
    colour.WindowCenter, colour.WindowWidth = 128, 256
    for image in (
        picture(_stored()),
        picture(_stored(), dataset=_header()),
        picture(noise(9, 9, 3), dataset=colour),
    ):
        assert Voi()(image) is image
        with pytest.raises(RecordError) as caught:
            Voi(missing="reject")(image)
        assert caught.value.status is Status.OUT_OF_CONTRACT


def test_a_view_that_the_header_does_not_have_is_out_of_contract() -> None:
    header = _header()
    header.WindowCenter, header.WindowWidth = [600, 2000], [300, 1000]
    with pytest.raises(RecordError, match="no view with index 2") as caught:
        Voi(index=2)(picture(_stored(), dataset=header))
    assert caught.value.status is Status.OUT_OF_CONTRACT


@pytest.mark.parametrize("damage", ["width", "function", "short", "bits", "descriptor"])
def test_a_malformed_view_is_unreadable_and_not_quoted(damage: str) -> None:
    header = _header()
    header.WindowCenter, header.WindowWidth = 600, 300
    if damage == "width":
        header.WindowWidth = 0
    elif damage == "function":
        header.VOILUTFunction = "SECRET"
    else:
        _add_lut(header, list(range(50)), 0, 12)
        changed = {"short": [99, 0, 12], "bits": [50, 0, 7], "descriptor": [50, 0]}[damage]
        header.VOILUTSequence[0].LUTDescriptor = changed
    with pytest.raises(RecordError) as caught:
        Voi()(picture(_stored(), dataset=header))
    assert caught.value.status is Status.UNREADABLE
    assert "SECRET" not in caught.value.detail
