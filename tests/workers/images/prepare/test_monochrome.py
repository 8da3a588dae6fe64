from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from workers.images.prepare.image import Image
from workers.images.prepare.monochrome import is_grey_dicom, is_mirrored, mirrored


def image(photometric: str | None) -> Image:
    header = Dataset()
    if photometric is not None:
        header.PhotometricInterpretation = photometric
    return Image(np.zeros((1, 1)), (0, 1), dataset=header)


@pytest.mark.parametrize(
    ("photometric", "is_one", "is_grey"),
    [("MONOCHROME1", True, True), ("MONOCHROME2", False, True), ("RGB", False, False), (None, False, False)],
)
def test_only_monochrome1_was_mirrored(photometric: str | None, is_one: bool, is_grey: bool) -> None:
    assert is_mirrored(image(photometric)) is is_one
    assert is_grey_dicom(image(photometric)) is is_grey


def test_an_image_without_a_header_is_neither() -> None:
    plain = Image(np.zeros((1, 1)), (0, 1))
    assert not is_mirrored(plain)
    assert not is_grey_dicom(plain)


def test_mirroring_undoes_itself() -> None:
    values = np.array([-1024.0, 0.0, 3071.0])
    once = mirrored(values, (-1024, 3071))
    assert once.tolist() == [3071, 2047, -1024]
    assert mirrored(once, (-1024, 3071)).tolist() == values.tolist()
