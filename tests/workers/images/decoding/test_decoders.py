"""Which plugin decodes a transfer syntax, best first."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.decoders.base import get_decoder

from tests.support.dicom_files import PYDICOM_DATA
from workers.images.decoding.decoders import decoder_for
from workers.images.decoding.transfer_syntax import EXPLICIT_LITTLE, JPEG_EXTENDED

FILES = PYDICOM_DATA / "test_files"


@pytest.mark.parametrize(
    ("uid", "bits", "plugin"),
    [
        ("1.2.840.10008.1.2.4.50", 8, "pillow"),
        (JPEG_EXTENDED, 8, "pillow"),
        (JPEG_EXTENDED, 12, "imagecodecs"),
        ("1.2.840.10008.1.2.4.80", 16, "pyjpegls"),
        ("1.2.840.10008.1.2.4.91", 16, "pylibjpeg"),
        ("1.2.840.10008.1.2.5", 0, "pylibjpeg"),
    ],
)
def test_the_first_plugin_is_ours_and_gdcm_is_not_among_them(uid: str, bits: int, plugin: str) -> None:
    plugins = decoder_for(uid, bits).available_plugins
    assert plugins[0] == plugin
    assert "gdcm" not in plugins


def test_what_only_gdcm_decodes_is_left_to_it() -> None:
    assert "gdcm" in decoder_for("1.2.840.10008.1.2.4.57", 16).available_plugins


def test_pixels_that_are_not_compressed_need_no_plugin() -> None:
    assert decoder_for(EXPLICIT_LITTLE, 0).is_native


def test_a_decoder_is_made_once_for_a_syntax_and_a_precision() -> None:
    assert decoder_for(JPEG_EXTENDED, 8) is decoder_for(JPEG_EXTENDED, 8)
    assert decoder_for(JPEG_EXTENDED, 8) is not decoder_for(JPEG_EXTENDED, 12)
    assert decoder_for(JPEG_EXTENDED, 8) is not get_decoder(JPEG_EXTENDED)


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"])
def test_every_choice_gives_the_same_pixels_as_pydicoms_own_order(name: str) -> None:
    dataset = dcmread(FILES / name)
    uid = str(dataset.file_meta.TransferSyntaxUID)
    ours, _ = decoder_for(uid, 16).as_array(dataset)
    theirs, _ = get_decoder(uid).as_array(dataset)
    np.testing.assert_array_equal(ours, theirs)
