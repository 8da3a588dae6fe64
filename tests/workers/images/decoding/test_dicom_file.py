from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import EXPLICIT, dataset, ramp, settings, stored
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import (
    DicomFile,
    deflated_dataset,
    read_dicom,
    transfer_syntax_of,
    without_deflation,
)
from workers.images.decoding.transfer_syntax import DEFLATED, IMPLICIT_LITTLE

LIMIT = 1 << 24


def read(**attributes: Any) -> DicomFile:
    return read_dicom(stored(dataset(ramp(), **attributes)), LIMIT)


def refusal(parsed: DicomFile) -> RecordError:
    with pytest.raises(RecordError) as caught:
        parsed.pixels()
    return caught.value


def test_a_whole_file_has_its_pixels_and_its_syntax() -> None:
    parsed = read()
    assert parsed.pixels().keyword == "PixelData"
    assert parsed.pixels().data == ramp().tobytes()
    assert transfer_syntax_of(parsed) == EXPLICIT
    assert "PixelData" not in parsed.dataset


@pytest.mark.parametrize("body", [b"", b"\0\0\0", b"\0" * 128 + b"DICM"])
def test_bytes_without_an_element_are_unreadable(body: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        read_dicom(body, LIMIT)
    assert caught.value.status == Status.UNREADABLE


def test_a_file_that_ends_within_its_pixels_has_those_that_are_there() -> None:
    pixels = read_dicom(stored(dataset(ramp()))[:-10], LIMIT).pixels()
    assert (pixels.whole, bytes(pixels.data)) == (False, ramp().tobytes()[:-10])


@pytest.mark.parametrize("encoded", [False, True])
def test_a_file_that_ends_within_its_header_keeps_what_was_read(encoded: bool) -> None:
    made = dataset(ramp(), ReferencedImageSequence=Sequence([Dataset(), Dataset()]), StudyID="7")
    made["ReferencedImageSequence"].is_undefined_length = encoded
    whole = stored(made)
    place = whole.index(b"\x08\x00\x40\x11SQ") + 14
    parsed = read_dicom(whole[:place], LIMIT)
    assert parsed.dataset.SOPClassUID == made.SOPClassUID
    assert refusal(parsed).status == Status.UNREADABLE


def test_an_object_without_pixels_is_told_from_one_that_is_no_image() -> None:
    made = dataset(ramp())
    del made.PixelData
    parsed = read_dicom(stored(made), LIMIT)
    assert (refusal(parsed).status, "describes an image" in str(refusal(parsed))) == (Status.NO_PIXELS, True)
    del made.Rows
    assert "without an image" in str(refusal(read_dicom(stored(made), LIMIT)))


def test_empty_pixels_are_none_and_pixels_cut_off_at_once_are_unreadable() -> None:
    assert refusal(read(PixelData=b"")).status == Status.NO_PIXELS
    cut = stored(dataset(ramp()))[: -ramp().nbytes]
    with pytest.raises(RecordError, match="fewer bytes of pixels"):
        DicomImage(read_dicom(cut, LIMIT)).decode(settings(), None)


def test_two_kinds_of_pixels_are_unreadable() -> None:
    assert refusal(read(FloatPixelData=np.zeros(4, np.float32).tobytes())).status == Status.UNREADABLE


def test_elements_behind_the_pixels_are_read_as_well() -> None:
    assert read(DataSetTrailingPadding=b"1234").dataset.DataSetTrailingPadding == b"1234"


def test_a_file_that_names_no_syntax_has_the_one_it_was_found_in() -> None:
    parsed = read()
    del parsed.dataset.file_meta.TransferSyntaxUID
    assert transfer_syntax_of(parsed) == EXPLICIT
    assert parsed.dataset.file_meta.TransferSyntaxUID == EXPLICIT
    parsed = read()
    del parsed.dataset.file_meta.TransferSyntaxUID
    parsed.dataset.set_original_encoding(True, True)
    assert transfer_syntax_of(parsed) == IMPLICIT_LITTLE


def test_only_the_meta_information_makes_a_file_deflated() -> None:
    """Its UID may stand anywhere else, as in the history of the image."""
    assert deflated_dataset(stored(dataset(ramp(), DerivationDescription=DEFLATED))) is None


def test_the_length_of_the_meta_information_stays_when_the_syntax_is_exchanged() -> None:
    meta = b"...." + DEFLATED.encode() + b"...."
    assert len(without_deflation(meta, b"")) == len(meta)
