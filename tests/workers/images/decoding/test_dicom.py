"""What pydicom's files do not show: made objects of each transfer syntax and pixel module."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom import Dataset, dcmread
from pydicom.pixels import apply_modality_lut
from pydicom.sequence import Sequence

from schemas.errors import RecordError
from schemas.status import Status
from tests.support.dicom_files import dataset, ramp, raw, settings, shipped, stored, wrapped
from workers.images.decoding.decode import decode, open_object
from workers.images.decoding.dicom import DicomImage
from workers.images.decoding.dicom_file import read_dicom
from workers.images.decoding.inflate import RAW_DEFLATE
from workers.images.prepare.image import Image

PIXELS = ramp()


def image(data: bytes, index: int | None = None, **changes: Any) -> Image:
    decoded = decode(data, settings(**changes), index)
    assert decoded.error is None, decoded.error
    return decoded.frames[0]


def refusal(data: bytes, **changes: Any) -> Status:
    error = decode(data, settings(**changes)).error
    assert error is not None
    return error.status


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
    return packer.compress(data) + packer.flush()


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


ENCODERS: list[tuple[str, Callable[[NDArray[Any]], bytes]]] = [
    ("1.2.840.10008.1.2.4.57", lambda pixels: bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=16))),
    ("1.2.840.10008.1.2.4.70", lambda pixels: bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=16))),
    ("1.2.840.10008.1.2.4.80", lambda pixels: bytes(imagecodecs.jpegls_encode(pixels))),
    ("1.2.840.10008.1.2.4.90", lambda pixels: bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="J2K"))),
    ("1.2.840.10008.1.2.4.201", lambda pixels: bytes(imagecodecs.htj2k_encode(pixels))),
    ("1.2.840.10008.1.2.4.202", lambda pixels: bytes(imagecodecs.htj2k_encode(pixels))),
    ("1.2.840.10008.1.2.4.203", lambda pixels: bytes(imagecodecs.htj2k_encode(pixels))),
    ("1.2.840.10008.1.2.8.1", lambda pixels: raw_deflate(pixels.tobytes())),
]


@pytest.mark.parametrize(("syntax", "encode"), ENCODERS)
def test_a_lossless_transfer_syntax_gives_back_the_pixels(syntax: str, encode: Callable[..., bytes]) -> None:
    pixels = ramp(60, 70, top=65535)
    np.testing.assert_array_equal(image(wrapped([encode(pixels)], pixels, syntax)).pixels, pixels)


@pytest.mark.parametrize(("syntax", "encode"), ENCODERS)
def test_one_frame_of_many_is_that_frame(syntax: str, encode: Callable[..., bytes]) -> None:
    frames = np.stack([ramp(40, 40) + 7 * number for number in range(5)]).astype(np.uint16)
    data = wrapped([encode(frame) for frame in frames], frames, syntax, NumberOfFrames=5)
    np.testing.assert_array_equal(image(data, 3).pixels, frames[3])
    np.testing.assert_array_equal(image(data, frame="middle").pixels, frames[2])
    every = decode(data, settings(frame="all"))
    np.testing.assert_array_equal([frame.pixels for frame in every.frames], frames)


def test_a_deflated_dataset_is_the_same_as_the_plain_one() -> None:
    made = dataset(PIXELS, RescaleSlope=1, RescaleIntercept=-1024)
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data = stored(made)
    decoded = decode(data, settings(carry=("TransferSyntaxUID", "PatientID")))
    np.testing.assert_array_equal(decoded.frames[0].pixels, PIXELS.astype(int) - 1024)
    assert decoded.header == {"TransferSyntaxUID": "1.2.840.10008.1.2.1.99", "PatientID": "patient-1"}


def test_without_preamble_and_meta_information_native_pixels_are_read_all_the_same() -> None:
    data = stored(dataset(PIXELS))
    made = dcmread(BytesIO(data))
    bare = data[data.index(b"\x08\x00\x16\x00UI") :]
    np.testing.assert_array_equal(image(bare).pixels, made.pixel_array)


@pytest.mark.parametrize(
    ("dtype", "bits", "slope", "intercept", "expected"),
    [
        ("uint16", 12, "1", "-1024", "int16"),
        ("int16", 16, "1", "-1024", "int32"),
        ("uint16", 8, "1", "0", "uint8"),
        ("uint16", 16, "-1", "0", "int32"),
        ("uint8", 8, "257", "0", "uint16"),
        ("uint32", 32, "3", "-7", "int64"),
        ("uint16", 12, "0.5", "-3.25", "float64"),
        ("int16", 12, "-2.5", "1e3", "float64"),
        ("uint32", 32, "4000000", "1", "float64"),
    ],
)
def test_rescaled_values_equal_pydicoms_in_the_narrowest_type(
    dtype: str, bits: int, slope: str, intercept: str, expected: str
) -> None:
    low, high = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    pixels = np.linspace(low, high, 60).astype(dtype).reshape(6, 10)
    made = dataset(pixels, bits_stored=bits, RescaleSlope=slope, RescaleIntercept=intercept)
    found = image(stored(made))
    reference = apply_modality_lut(pixels, made)
    np.testing.assert_array_equal(found.pixels, reference)
    assert found.pixels.dtype == expected
    assert found.value_range == (reference.min(), reference.max())


@pytest.mark.parametrize(("slope", "intercept"), [("1", "0"), ("1", "-1024"), ("-3", "5"), ("0.37", "-2.5")])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_monochrome1_is_inverted_last_within_the_stored_range(dtype: str, slope: str, intercept: str) -> None:
    pixels = ramp(dtype=dtype, top=200)
    bits = 8 if dtype == "uint8" else 12
    made = dataset(
        pixels,
        bits_stored=bits,
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope=slope,
        RescaleIntercept=intercept,
    )
    low, high = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    mirrored = (low + high - pixels.astype(np.int64)) * float(slope) + float(intercept)
    np.testing.assert_allclose(image(stored(made)).pixels, mirrored, rtol=1e-13, atol=1e-9)
    if float(slope).is_integer():
        np.testing.assert_array_equal(image(stored(made)).pixels, mirrored)


def test_bits_beyond_bits_stored_are_no_part_of_a_value() -> None:
    pixels = ramp(40, 40, top=4095)
    data = wrapped(
        [bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="J2K"))],
        pixels,
        "1.2.840.10008.1.2.4.90",
        bits_stored=8,
        PhotometricInterpretation="MONOCHROME1",
    )
    np.testing.assert_array_equal(image(data).pixels, 255 - (pixels.astype(int) & 255))


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("first", [0, 100, 5000])
def test_a_modality_lookup_table_is_applied_as_pydicom_does(photometric: str, first: int) -> None:
    table = [(value * 37) % 1000 + 50 for value in range(300)]
    lut = item(LUTDescriptor=[300, first, 16], LUTData=table, ModalityLUTType="HU")
    lut["LUTDescriptor"].VR = lut["LUTData"].VR = "US"
    made = dataset(PIXELS, bits_stored=12, PhotometricInterpretation=photometric, ModalityLUTSequence=Sequence([lut]))
    found = image(stored(made))
    reference = apply_modality_lut(PIXELS, made).astype(int)
    reachable = apply_modality_lut(np.arange(4096, dtype=np.uint16), made)
    assert found.value_range == (reachable.min(), reachable.max())
    if photometric == "MONOCHROME1":
        reference = reachable.max().astype(int) + reachable.min() - reference
    np.testing.assert_array_equal(found.pixels, reference)


def test_each_frame_of_an_enhanced_object_has_its_own_rescale_and_spacing() -> None:
    frames = np.stack([PIXELS, PIXELS])
    shared = item(PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.5, 0.25])]))
    per_frame = [
        item(PixelValueTransformationSequence=Sequence([item(RescaleSlope=slope, RescaleIntercept=-10)]))
        for slope in (1, 3)
    ]
    made = dataset(
        frames,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(per_frame),
    )
    found = [image(stored(made), number) for number in (0, 1)]
    np.testing.assert_array_equal(found[0].pixels, PIXELS.astype(int) - 10)
    np.testing.assert_array_equal(found[1].pixels, PIXELS.astype(int) * 3 - 10)
    assert found[0].spacing == found[1].spacing == (0.5, 0.25)


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "float32"), ("DoubleFloatPixelData", "float64")])
def test_pixels_stored_as_floats_are_themselves(keyword: str, dtype: str) -> None:
    pixels = np.linspace(-1.5, 1e9, 60).astype(dtype).reshape(6, 10)
    made = dataset(pixels)
    del made.PixelData, made.PixelRepresentation, made.BitsStored, made.HighBit
    setattr(made, keyword, pixels.tobytes())
    found = image(stored(made))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == dtype
    assert found.value_range == (-np.inf, np.inf)


def test_the_header_stays_with_the_image_without_its_pixels() -> None:
    found = image(shipped("CT_small.dcm"))
    assert found.dataset is not None
    assert found.dataset.Modality == "CT"
    assert "PixelData" not in found.dataset


def test_a_wanted_frame_that_is_not_there_means_that_the_input_changed() -> None:
    error = decode(shipped("rtdose.dcm"), settings(), 15).error
    assert error is not None
    assert error.status is Status.INPUT_CHANGED


def test_several_frames_are_decoded_as_they_are_one_by_one() -> None:
    data = shipped("rtdose.dcm")
    decode_frame = open_object(data, settings(carry=("PatientID",)))
    for frame in (3, 14, 99, None):
        found = decode_frame(frame)
        alone = decode(data, settings(carry=("PatientID",)), frame)
        assert found.header == alone.header
        assert (found.error is None) == (frame != 99)
        np.testing.assert_array_equal([i.pixels for i in found.frames], [i.pixels for i in alone.frames])


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"PhotometricInterpretation": "CMYK"}, Status.UNSUPPORTED),
        ({"PhotometricInterpretation": "PATIENT NAME"}, Status.UNSUPPORTED),
        ({"PhotometricInterpretation": "YBR_FULL", "SamplesPerPixel": 3, "PlanarConfiguration": 0}, Status.UNSUPPORTED),
        ({"SamplesPerPixel": 3, "PlanarConfiguration": 0}, Status.UNREADABLE),
        ({"BitsAllocated": 7}, Status.UNREADABLE),
        ({"BitsAllocated": 24}, Status.UNSUPPORTED),
        ({"BitsStored": 0}, Status.UNREADABLE),
        ({"BitsStored": 17}, Status.UNREADABLE),
        ({"Rows": 0}, Status.UNREADABLE),
        ({"Rows": 65535, "Columns": 65535}, Status.TOO_LARGE),
        ({"Rows": 10000, "Columns": 10000}, Status.UNREADABLE),
        ({"NumberOfFrames": 2**31 - 1}, Status.UNREADABLE),
        ({"NumberOfFrames": -1}, Status.UNREADABLE),
        ({"RescaleSlope": "1e308", "RescaleIntercept": "1e308"}, Status.UNREADABLE),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Status.UNREADABLE),
        ({"PixelData": b""}, Status.NO_PIXELS),
    ],
)
def test_a_header_that_lies_or_asks_for_what_is_rare_is_a_status(attributes: dict[str, Any], status: Status) -> None:
    made = dataset(PIXELS)
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    assert refusal(stored(made)) is status


@pytest.mark.parametrize("value", [b"NaN ", b"inf ", b"x   "])
def test_a_rescale_that_is_no_number_is_unreadable(value: bytes) -> None:
    made = dataset(PIXELS, RescaleSlope="1.25", RescaleIntercept="0")
    assert refusal(raw(made, RescaleSlope=value)) is Status.UNREADABLE


def test_all_frames_count_together_against_the_limit() -> None:
    frames = np.stack([PIXELS] * 10)
    data = stored(dataset(frames, NumberOfFrames=10))
    assert decode(data, settings(max_pixels=PIXELS.size)).error is None
    assert refusal(data, max_pixels=PIXELS.size * 10 - 1, frame="all") is Status.TOO_LARGE
    assert decode(data, settings(max_pixels=PIXELS.size * 10, frame="all")).error is None


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.110", "1.2.3.4"])
def test_a_transfer_syntax_without_decoder_is_unsupported_and_the_detail_says_what_to_do(uid: str) -> None:
    error = decode(wrapped([b"\0" * 20], PIXELS, uid), settings()).error
    assert error is not None
    assert error.status is Status.UNSUPPORTED
    assert "no package reads it" in error.detail
    assert "1.2.3.4" not in error.detail


def opened(made: Dataset) -> DicomImage:
    return DicomImage(read_dicom(stored(made), 1 << 20))


def stack(count: int) -> Dataset:
    """Frames of 0, 1, 2, ..."""
    return dataset(np.arange(count, dtype=np.uint8).repeat(20).reshape(count, 4, 5), NumberOfFrames=count)


@pytest.mark.parametrize(("which", "values"), [("first", [0]), ("middle", [2]), ("all", [0, 1, 2, 3, 4])])
def test_the_wanted_frames_come_in_order_with_the_number_of_all(which: str, values: list[int]) -> None:
    made = opened(stack(5))
    assert made.module.frames == 5
    assert [int(one.pixels[0, 0]) for one in made.decode(settings(frame=which), None)] == values


def test_a_planned_frame_is_that_frame_and_one_that_is_gone_means_that_the_input_changed() -> None:
    (found,) = opened(stack(5)).decode(settings(), 3)
    assert int(found.pixels[0, 0]) == 3
    with pytest.raises(RecordError, match="frame 5 was planned, and there are 5") as caught:
        opened(stack(5)).decode(settings(), 5)
    assert caught.value.status == Status.INPUT_CHANGED


@pytest.mark.parametrize(
    ("attributes", "spacing"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, (0.5, 0.25)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"PixelSpacing": [0.5, 0.25], "ImagerPixelSpacing": [0.2, 0.1]}, (0.5, 0.25)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"PixelSpacing": [-1, 1]}, None),
        ({}, None),
    ],
)
def test_spacing_is_that_of_the_patient_else_of_the_detector_else_not_known(
    attributes: dict[str, Any], spacing: tuple[float, float] | None
) -> None:
    (found,) = opened(dataset(PIXELS, **attributes)).decode(settings(), None)
    assert found.spacing == spacing


def test_pixels_that_lie_as_native_ones_do_are_native_under_any_syntax() -> None:
    as_rle = stored(dataset(PIXELS)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0", 1)
    np.testing.assert_array_equal(image(as_rle).pixels, PIXELS)


def test_a_codestream_is_decoded_as_what_it_is_under_any_compressed_syntax() -> None:
    frame = bytes(imagecodecs.jpegls_encode(PIXELS))
    np.testing.assert_array_equal(image(wrapped([frame], PIXELS, "1.2.840.10008.1.2.4.70")).pixels, PIXELS)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55"])
def test_progressive_jpeg_of_retired_syntaxes_is_the_picture_that_it_is_elsewhere(uid: str) -> None:
    pixels, buffer = ramp(40, 48, "uint8", 255), BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "JPEG", progressive=True)
    expected = np.asarray(PillowImage.open(buffer))
    np.testing.assert_array_equal(image(wrapped([buffer.getvalue()], pixels, uid)).pixels, expected)
