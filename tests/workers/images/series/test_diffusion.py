"""Diffusion as vendors say it where the standard's attributes are absent."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from tests.support.dicom_files import stored
from tests.support.series import made, renamed, verdicts, volumes_of
from workers.images.series.diffusion import private_diffusion

VECTORS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.6, -0.8))
SIEMENS, UIH = "SIEMENS MR HEADER", "Image Private Header"


def _siemens(slice_: Dataset, b_value: int, vector: tuple[float, ...]) -> None:
    block = slice_.private_block(0x0019, SIEMENS, create=True)
    block.add_new(0x0C, "IS", str(b_value))
    if b_value:
        block.add_new(0x0E, "FD", list(vector))


def _philips(slice_: Dataset, b_value: int, vector: tuple[float, ...]) -> None:
    slice_.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", float(b_value))
    block = slice_.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    for element, value in zip((0xB0, 0xB1, 0xB2), vector, strict=True):
        block.add_new(element, "FL", value)


def _ge(slice_: Dataset, b_value: int, vector: tuple[float, ...]) -> None:
    coded = 1_000_000_000 + b_value if b_value else 0
    slice_.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [str(coded), "8", "0", "0"])
    block = slice_.private_block(0x0019, "GEMS_ACQU_01", create=True)
    for element, value in zip((0xBB, 0xBC, 0xBD), vector, strict=True):
        block.add_new(element, "DS", str(value))


def _uih(slice_: Dataset, b_value: int, vector: tuple[float, ...]) -> None:
    block = slice_.private_block(0x0065, UIH, create=True)
    block.add_new(0x09, "FD", float(b_value))
    block.add_new(0x37, "FD", list(vector))


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("vendor", [_siemens, _philips, _ge, _uih])
def test_b_values_and_directions_of_vendors_tell_volumes_apart(
    vendor: Callable[[Dataset, int, tuple[float, ...]], None], implicit: bool
):
    slices = []
    for number, (b_value, vector) in enumerate(zip((0, 1000, 1000), VECTORS, strict=True)):
        for slice_ in made(seed=number):
            renamed(slice_, f"9{number}")
            vendor(slice_, b_value, vector)
            if implicit:
                slice_.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            slices.append(stored(slice_))
    volumes = volumes_of(slices)
    assert verdicts(volumes) == [("ok", 8)] * 3
    endings = [volume.volume_id.partition("#")[2] for volume in volumes]
    assert endings == ["b=0", "b=1000,direction=1", "b=1000,direction=2"]


def test_numbers_that_came_as_bytes_are_read_as_the_vendor_packs_them():
    dataset = Dataset()
    block = dataset.private_block(0x0065, UIH, create=True)
    block.add_new(0x09, "UN", struct.pack("<d", 700.0))
    block.add_new(0x37, "UN", struct.pack("<3d", 0.0, 0.6, -0.8))
    assert private_diffusion(dataset) == (700.0, (0.0, 0.6, -0.8))


@pytest.mark.parametrize("value", [b"", b"many", b"\0\0", b"-5", b"nan"])
def test_what_is_no_b_value_is_none(value: bytes):
    dataset = Dataset()
    dataset.private_block(0x0019, SIEMENS, create=True).add_new(0x0C, "UN", value)
    assert private_diffusion(dataset) == (None, None)


def test_what_another_creator_has_there_is_not_asked():
    dataset = Dataset()
    dataset.private_block(0x0019, "SOMEBODY ELSE", create=True).add_new(0x0C, "IS", "1000")
    assert private_diffusion(dataset) == (None, None)
