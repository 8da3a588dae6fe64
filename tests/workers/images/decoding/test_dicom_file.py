from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import FileDataset

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import EXPLICIT, dataset, ramp, stored
from workers.images.decoding.dicom_file import (
    deflated_dataset,
    is_cut,
    pixel_keyword,
    read_dicom,
    transfer_syntax_of,
    without_deflation,
)
from workers.images.decoding.transfer_syntax import DEFLATED, IMPLICIT_LITTLE

LIMIT = 1 << 24


def read(**attributes: Any) -> FileDataset:
    return read_dicom(stored(dataset(ramp(), **attributes)), LIMIT)


def refusal(made: FileDataset) -> RecordError:
    with pytest.raises(RecordError) as caught:
        pixel_keyword(made)
    return caught.value


def test_a_whole_file_has_its_pixels_and_its_syntax() -> None:
    made = read()
    assert pixel_keyword(made) == "PixelData"
    assert transfer_syntax_of(made) == EXPLICIT
    assert not is_cut(made)


@pytest.mark.parametrize("body", [b"", b"\0\0\0", b"\0" * 128 + b"DICM"])
def test_bytes_without_an_element_are_unreadable(body: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        read_dicom(body, LIMIT)
    assert caught.value.status == Status.UNREADABLE


def test_a_file_that_ends_within_an_element_is_cut() -> None:
    made = read_dicom(stored(dataset(ramp()))[:-10], LIMIT)
    assert is_cut(made)


def test_an_object_without_pixels_is_told_from_one_that_is_no_image() -> None:
    made = read()
    del made.PixelData
    assert (refusal(made).status, "describes an image" in str(refusal(made))) == (Status.NO_PIXELS, True)
    del made.Rows
    assert "without an image" in str(refusal(made))


def test_two_kinds_of_pixels_are_unreadable() -> None:
    made = read()
    made.FloatPixelData = np.zeros(4, np.float32).tobytes()
    assert refusal(made).status == Status.UNREADABLE


def test_a_file_that_names_no_syntax_has_the_one_it_was_found_in() -> None:
    made = read()
    del made.file_meta.TransferSyntaxUID
    assert transfer_syntax_of(made) == EXPLICIT
    assert made.file_meta.TransferSyntaxUID == EXPLICIT
    made = read()
    del made.file_meta.TransferSyntaxUID
    made.set_original_encoding(True, True)
    assert transfer_syntax_of(made) == IMPLICIT_LITTLE


def test_only_the_meta_information_makes_a_file_deflated() -> None:
    """Its UID may stand anywhere else, as in the history of the image."""
    assert deflated_dataset(stored(dataset(ramp(), DerivationDescription=DEFLATED))) is None


def test_the_length_of_the_meta_information_stays_when_the_syntax_is_exchanged() -> None:
    meta = b"...." + DEFLATED.encode() + b"...."
    assert len(without_deflation(meta, b"")) == len(meta)
