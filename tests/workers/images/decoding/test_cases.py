"""Files that are wrong in one way, with the pixels that gdcm and dcmtk, or arithmetic, find in them."""

from pathlib import Path

import numpy as np
import pytest

from schemas.status import Status
from tests.support.dicom_files import settings
from workers.images.decoding.decode import decode

CASES = Path(__file__).parents[3] / "cases" / "images"
EXPECTED = {
    str(folder.parent.relative_to(CASES) / name): pixels
    for folder in sorted(CASES.glob("*/expected.npz"))
    for name, pixels in np.load(folder).items()
}
FILES = sorted(str(path.relative_to(CASES)) for path in CASES.glob("*/*") if path.suffix in (".dcm", ".jpg"))
# The case without a delimiter has no expected array.
DECODES = ("cut-compressed-header/no-seq-delimiter.dcm",)


@pytest.mark.parametrize("file", EXPECTED)
def test_pixels_are_those_of_the_reference(file: str) -> None:
    data = (CASES / file).read_bytes()
    together = decode(data, settings(frame="all"))
    assert together.error is None
    frames = [np.asarray(frame.pixels) for frame in together.frames]
    np.testing.assert_array_equal(np.squeeze(np.stack(frames)), np.squeeze(EXPECTED[file]))
    for index, frame in enumerate(frames):
        alone = decode(data, settings(), index)
        assert alone.n_frames == len(frames)
        np.testing.assert_array_equal(alone.frames[0].pixels, frame)


@pytest.mark.parametrize("file", [file for file in FILES if file not in EXPECTED])
def test_a_frame_without_its_end_is_unreadable_and_keeps_its_header(file: str) -> None:
    decoded = decode((CASES / file).read_bytes(), settings(carry=("PatientID",), frame="all"))
    assert (decoded.error is None) == (file in DECODES)
    assert decoded.header == {"PatientID": "P1"}
    if decoded.error is not None:
        assert decoded.error.status == Status.UNREADABLE


def test_every_file_is_looked_at() -> None:
    assert len(FILES) == len(EXPECTED) + 5
