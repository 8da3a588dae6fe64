"""YBR to RGB, by what the header says."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, stored
from workers.images.decoding.colour import as_rgb
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import read_dicom

PIXELS = np.array([[[128, 128, 128], [76, 85, 255], [255, 128, 128]]], np.uint8)
MODULE = DicomImage(read_dicom(stored(dataset(PIXELS)), 1 << 20)).module


def test_rgb_and_grey_stay_as_they_are() -> None:
    assert as_rgb(PIXELS, MODULE, is_codestream=True) is PIXELS


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_ybr_of_the_full_range_becomes_rgb(photometric: str) -> None:
    found = as_rgb(PIXELS, replace(MODULE, photometric=photometric), is_codestream=False)
    # Grey has no chroma; (76, 85, 255) is what red is by ITU-R BT.601.
    np.testing.assert_allclose(found[0], [[128, 128, 128], [255, 0, 0], [255, 255, 255]], atol=1)


@pytest.mark.parametrize("photometric", ["YBR_ICT", "YBR_RCT"])
def test_the_transform_of_jpeg_2000_is_undone_by_its_decoder_and_means_nothing_elsewhere(photometric: str) -> None:
    module = replace(MODULE, photometric=photometric)
    assert as_rgb(PIXELS, module, is_codestream=True) is PIXELS
    with pytest.raises(RecordError, match="colours are of a compression that it does not have") as caught:
        as_rgb(PIXELS, module, is_codestream=False)
    assert caught.value.status == Status.UNSUPPORTED


def test_ybr_of_more_than_8_bits_is_unsupported() -> None:
    with pytest.raises(RecordError, match="more than 8 bits"):
        as_rgb(PIXELS.astype(np.uint16), replace(MODULE, photometric="YBR_FULL"), is_codestream=True)
