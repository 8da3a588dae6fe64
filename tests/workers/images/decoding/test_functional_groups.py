from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, dcmread
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from tests.support.dicom_files import dataset, stored
from workers.images.decoding.functional_groups import frame_header


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def macro(name: str, **attributes: Any) -> Dataset:
    return item(**{name: Sequence([item(**attributes)])})


def enhanced(shared: list[Dataset], frames: list[Dataset], **attributes: Any) -> FileDataset:
    pixels = np.zeros((2, 4, 4), np.uint16)
    made = dataset(pixels, NumberOfFrames=2, **attributes)
    if shared:
        made.SharedFunctionalGroupsSequence = Sequence(shared)
    if frames:
        made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dcmread(BytesIO(stored(made)))


def test_a_frame_s_own_group_wins_over_the_shared_one_and_that_over_the_top_level() -> None:
    read = enhanced(
        [macro("PixelValueTransformationSequence", RescaleSlope="2", RescaleIntercept="20")],
        [macro("FrameVOILUTSequence", WindowWidth="5"), macro("PixelValueTransformationSequence", RescaleSlope="3")],
        RescaleSlope="1",
        RescaleIntercept="10",
        WindowWidth="400",
    )
    first, second = frame_header(read, 0), frame_header(read, 1)
    assert (first.RescaleSlope, first.RescaleIntercept, first.WindowWidth) == (2, 20, 5)
    assert (second.RescaleSlope, second.RescaleIntercept, second.WindowWidth) == (3, 20, 400)


def test_a_frame_without_a_group_of_its_own_has_the_shared_values() -> None:
    read = enhanced([macro("PixelMeasuresSequence", PixelSpacing=["0.5", "0.25"])], [])
    assert list(frame_header(read, 1).PixelSpacing) == [0.5, 0.25]


def test_macros_other_than_spacing_rescale_and_window_stay_where_they_are() -> None:
    read = enhanced([macro("FrameAnatomySequence", FrameLaterality="L")], [])
    assert "FrameLaterality" not in frame_header(read, 0)


def test_the_header_has_no_pixels_and_the_object_keeps_its_own() -> None:
    read = enhanced([], [])
    header = frame_header(read, 0)
    assert "PixelData" not in header
    assert "PixelData" in read
    assert header.PatientID == "patient-1"
    assert header.file_meta.TransferSyntaxUID == read.file_meta.TransferSyntaxUID


def test_groups_that_are_no_sequence_make_the_record_unreadable() -> None:
    read = enhanced([], [])
    read.add_new("SharedFunctionalGroupsSequence", "LO", "a text")
    with pytest.raises(RecordError, match="functional groups cannot be read"):
        frame_header(read, 0)
