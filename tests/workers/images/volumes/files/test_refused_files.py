"""Every way in which a file of volumes can be wrong has a status of its own, and none ends a run."""

import gzip
from io import BytesIO
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest

from schemas.errors import RecordError
from schemas.status import Status
from workers.images.decoding.sniff import sniff
from workers.images.settings import ImageFormat, ImagesInput
from workers.images.volumes.files.opened import read_file_header, read_volume

SOURCE = ImagesInput(collection="images", uri="/x", record="series", max_inflated=1 << 16)


def nifti(shape: tuple[int, ...] = (4, 5, 6), affine: np.ndarray | None = None, kind: str = "float32") -> bytes:
    values = np.zeros(shape, kind)
    return bytes(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine, dtype=kind).to_bytes())


def refused(data: bytes) -> RecordError:
    with pytest.raises(RecordError) as error:
        read_volume(data, SOURCE)
    return error.value


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6, 3), (4, 5, 1, 1, 3)])
def test_other_than_three_axes_is_no_volume(shape: tuple[int, ...]) -> None:
    assert refused(nifti(shape)).status is Status.NOT_A_VOLUME


def test_a_fourth_axis_of_length_one_is_none() -> None:
    assert read_volume(nifti((4, 5, 6, 1)), SOURCE)[1].shape == (4, 5, 6)


def test_an_affine_that_spans_no_space_is_refused() -> None:
    flat = np.eye(4)
    flat[:, 1] = flat[:, 0]
    assert refused(nifti(affine=flat)).detail == "its affine is singular: two of its axes lie in one direction"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_an_affine_that_is_not_finite_is_refused(number: float) -> None:
    image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.float32), np.eye(4))
    image.header["srow_x"][3] = number
    body = image.to_bytes()
    body = body[:292] + np.array(number, "<f4").tobytes() + body[296:]
    assert refused(body).detail == "its affine is not finite"


def test_no_spacing_is_refused_in_every_format() -> None:
    image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.float32), None)
    image.header["pixdim"][1:4] = 0
    mha = b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 0 1 1\n"
    flat = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
    bodies = [
        image.to_bytes(),
        mha + b"ElementDataFile = LOCAL\n12345678",
        flat + b"spacings: 1 0 1\n\n12345678",
        flat + b"space: LPS\nspace directions: (1,0,0) (0,0,0) (0,0,1)\n\n12345678",
    ]
    for body in bodies:
        assert refused(body).status is Status.UNREADABLE
        assert "its affine is singular" in refused(body).detail


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_refused(number: float) -> None:
    values = np.zeros((4, 5, 6), np.float32)
    values[1, 2, 3] = number
    assert refused(nibabel.Nifti1Image(values, np.eye(4)).to_bytes()).status is Status.OUT_OF_CONTRACT


def test_a_bomb_is_too_large_before_it_goes_off() -> None:
    assert refused(gzip.compress(nifti((256, 256, 32)))).status is Status.TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "bzip2", "raw"])
def test_nrrd_that_promises_too_much_is_too_large(encoding: str) -> None:
    body = BytesIO()
    nrrd.write(body, np.zeros((64, 64, 64), np.uint8), {"encoding": encoding})
    assert refused(body.getvalue()).status is Status.TOO_LARGE


@pytest.mark.parametrize("end", [60, 347, 360, 500])
def test_a_file_that_ends_early_is_unreadable(end: int) -> None:
    body = nifti()[:end]
    assert refused(body).status in (Status.UNREADABLE, Status.INPUT_CHANGED)


def test_colours_are_unsupported() -> None:
    colours = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert refused(nibabel.Nifti1Image(colours, np.eye(4)).to_bytes()).status is Status.UNSUPPORTED


@pytest.mark.parametrize(
    "header",
    [
        b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = x.raw\n",
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: x.raw\n\n",
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndatafile: x.raw\n",
    ],
)
def test_voxels_in_another_file_are_said_to_be_there(header: bytes) -> None:
    assert refused(header).status is Status.UNSUPPORTED
    assert "another file" in refused(header).detail
    assert "convert both to one" in refused(header).detail


@pytest.mark.parametrize(
    "kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair, nibabel.AnalyzeImage, nibabel.Spm99AnalyzeImage]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_header_beside_its_voxels_is_said_to_be_one(kind: Any, order: str) -> None:
    header = kind.header_class(endianness=order)
    image = kind(np.zeros((4, 5, 6), np.int16), np.eye(4), header=header)
    files = {name: nibabel.FileHolder(fileobj=BytesIO()) for name in ("header", "image", "mat")}
    image.to_file_map(files)
    found = refused(files["header"].fileobj.getvalue())
    assert (found.status, "convert both to one .nii" in found.detail) == (Status.UNSUPPORTED, True)


@pytest.mark.parametrize(
    "header",
    [
        b"ObjectType = Image\nNDims = three\nElementDataFile = LOCAL\n",
        b"ObjectType = Image\nElementDataFile = LOCAL\n",
        b"NRRD0004\ntype: nonsense\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n\n12345678",
        b"NRRD0004\nnonsense\n\n",
    ],
)
def test_headers_that_are_none_are_unreadable(header: bytes) -> None:
    assert refused(header).status is Status.UNREADABLE


def test_files_are_known_by_their_content() -> None:
    assert sniff(nifti()) == "nifti"
    assert sniff(b"NRRD0005\n") == "nrrd"
    assert sniff(b"ObjectType = Image\n") == "metaimage"
    assert sniff(b"NDimensions of this text") is None


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_voxels_of_a_nifti_that_begin_nowhere_are_refused(number: float) -> None:
    body = nifti()
    assert "vox_offset" in refused(body[:108] + np.array(number, "<f4").tobytes() + body[112:]).detail


@pytest.mark.parametrize("line", [b"Offset = 0 0", b"DimSize = 2 2 x", b"HeaderSize = x", b"ElementSpacing = 1 1"])
def test_a_metaimage_whose_header_makes_no_sense_is_unreadable(line: bytes) -> None:
    start = b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 3\nElementType = MET_UCHAR\n"
    assert refused(start + line + b"\nElementDataFile = LOCAL\n12345678").status is Status.UNREADABLE


@pytest.mark.parametrize("side", [b"9999999999999", b"99999999999999999999"])
def test_more_voxels_than_can_be_counted_are_too_large_in_the_header_already(side: bytes) -> None:
    start = b"ObjectType = Image\nNDims = 3\nElementType = MET_UCHAR\nDimSize = 2 2 " + side
    flat = b"NRRD0004\ntype: uchar\ndimension: 3\nencoding: raw\nsizes: 2 2 " + side
    found: list[tuple[ImageFormat, bytes]] = [
        ("metaimage", start + b"\nElementDataFile = LOCAL\n1"),
        ("nrrd", flat + b"\n\n1"),
    ]
    for kind, body in found:
        with pytest.raises(RecordError) as error:
            read_file_header(kind, [(body, True)])
        assert error.value.status in (Status.TOO_LARGE, Status.UNREADABLE)


@pytest.mark.parametrize("line", [b"byte skip: -9", b"line skip: -1", b"line skip: 99999999999999", b"byte skip: 10"])
def test_a_nrrd_that_skips_to_nowhere_is_unreadable(line: bytes) -> None:
    start = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
    assert refused(start + line + b"\n\n1234567\n9abcdef01").status is Status.UNREADABLE


@pytest.mark.parametrize(
    ("line", "first"), [(b"byte skip: 1", b"2"), (b"byte skip: -1", b"b"), (b"line skip: 1", b"9")]
)
def test_a_nrrd_is_read_behind_what_it_skips(line: bytes, first: bytes) -> None:
    start = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
    assert read_volume(start + line + b"\n\n1234567\n9abcdefghi", SOURCE)[1][0, 0, 0] == ord(first)
