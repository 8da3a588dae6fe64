"""A network never scores values that it was not made for: what it takes is told, what an image has is known."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from schemas.errors import RecordError, SpecError
from tests.support.dicom_files import dataset, settings, stored
from workers.contract import ModelCard
from workers.images.decoding.decode import decode
from workers.images.prepare.hf import shown_range, steps_from_config
from workers.images.prepare.image import ANY
from workers.images.prepare.plan import prepared, split
from workers.images.steps import parse_steps
from workers.images.value_contract import EIGHT_BITS, ValueContract, expected_range, stated_range

VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}}
OWN = tuple(steps_from_config(VIT))
GREY = np.linspace(0, 255, 16 * 12).reshape(12, 16).astype(np.uint8)


def card(**more: Any) -> ModelCard:
    own = parse_steps(list(OWN))
    return ModelCard("huggingface", (), OWN, 3, stated_range(own, shown_range(VIT)), **more)


def problem(data: bytes, *steps: Any, model: ModelCard | None = None) -> str:
    """What is said of these bytes under these steps; empty where they may be scored."""
    model = model or card()
    found = decode(data, settings())
    assert found.error is None
    parsed = parse_steps([*steps, *model.prepare])
    host, affine = split(parsed)
    try:
        ready = prepared(host, found.frames[0])
    except RecordError as error:
        return error.detail
    return ValueContract(expected_range(model, parsed), affine).problem(ready.value_range)


def png(pixels: Any) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def tif(pixels: Any, **more: Any) -> bytes:
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, **more)
    return sink.getvalue()


def npy(pixels: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, pixels)
    return sink.getvalue()


def dcm(pixels: Any, **more: Any) -> bytes:
    return stored(dataset(pixels, **more))


def one_bit_png() -> bytes:
    sink = io.BytesIO()
    Image.fromarray(GREY > 99).save(sink, "PNG")
    return sink.getvalue()


WIDE = GREY.astype(np.uint16)
EIGHT_BIT = {
    "grey png": png(GREY),
    "rgb png": png(np.stack([GREY] * 3, 2)),
    "rgba png": png(np.stack([GREY] * 4, 2)),
    "one bit png": one_bit_png(),
    "grey jpeg": cv2.imencode(".jpg", GREY)[1].tobytes(),
    "grey tif": tif(GREY),
    "palette tif": tif(GREY, photometric="palette", colormap=np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))),
    "npy": npy(GREY),
    "dicom": dcm(GREY),
    "dicom, 0 is white": dcm(GREY, PhotometricInterpretation="MONOCHROME1"),
    "dicom with a rescale of 1": dcm(GREY, RescaleSlope=1, RescaleIntercept=0),
}
OTHER = {
    "16 bit png": (png(WIDE * 257), "0 to 65535"),
    "16 bit rgb png": (png(np.stack([WIDE * 257] * 3, 2)), "0 to 65535"),
    "16 bit tif": (tif(WIDE * 257), "0 to 65535"),
    "signed tif": (tif(GREY.astype(np.int16)), "-32768 to 32767"),
    "float tif of 0 to 1": (tif(GREY.astype(np.float32) / 255), "no known range"),
    "float tif of 0 to 255": (tif(GREY.astype(np.float32)), "no known range"),
    "one bit tif": (tif(GREY > 99, photometric="minisblack"), "0 to 1"),
    "npy of bool": (npy(GREY > 99), "0 to 1"),
    "npy of int8": (npy((GREY // 2).astype(np.int8)), "-128 to 127"),
    "npy of int64": (npy(GREY.astype(np.int64)), "no known range"),
    "npy of int32": (npy(GREY.astype(np.int32)), "-2.14748e+09 to 2.14748e+09"),
    "npy of half floats": (npy((GREY / 255).astype(np.float16)), "no known range"),
    "npy of float64": (npy(GREY / 255), "no known range"),
    "12 bit dicom": (dcm(WIDE * 16, bits_stored=12), "0 to 4095"),
    "12 bit dicom, 0 is white": (dcm(WIDE * 16, bits_stored=12, PhotometricInterpretation="MONOCHROME1"), "0 to 4095"),
    "7 bit dicom": (dcm(GREY // 2, bits_stored=7), "0 to 127"),
    "ct": (dcm(WIDE * 16, bits_stored=12, RescaleSlope=1, RescaleIntercept=-1024), "-1024 to 3071"),
    "signed ct": (dcm((WIDE * 16).astype(np.int16) - 2000, bits_stored=12), "-2048 to 2047"),
    "pet": (dcm(WIDE * 200, RescaleSlope=0.37, RescaleIntercept=0), "0 to 24248"),
    "8 bit dicom with a slope": (dcm(GREY, RescaleSlope="0.5", RescaleIntercept=0), "0 to 127.5"),
}


@pytest.mark.parametrize("kind", EIGHT_BIT)
def test_an_8_bit_model_scores_8_bit_images_of_every_kind(kind: str) -> None:
    assert problem(EIGHT_BIT[kind]) == ""


@pytest.mark.parametrize("kind", OTHER)
def test_an_8_bit_model_scores_nothing_else_and_says_which_step_mends_it(kind: str) -> None:
    data, found = OTHER[kind]
    said = problem(data)
    assert found in said
    assert "takes 0 to 255" in said
    assert "`to_uint8`" in said


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("16 bit png", ["to_uint8"]),
        ("16 bit rgb png", ["to_uint8"]),
        ("12 bit dicom", ["voi", "to_uint8"]),
        ("ct", [{"window": {"center": 40, "width": 400}}]),
        ("signed ct", [{"percentile": {"output": [0, 255]}}]),
        ("pet", [{"to_uint8": {"source": "image"}}]),
        ("one bit tif", ["to_uint8"]),
        ("float tif of 0 to 1", [{"value_range": {"low": 0, "high": 1}}, "to_uint8"]),
        ("float tif of 0 to 255", [{"value_range": {"low": 0, "high": 255}}]),
        ("npy of int64", [{"cast": {"dtype": "uint8"}}, {"value_range": {"low": 0, "high": 255}}]),
        ("npy of float64", [{"min_max": {"output": [0, 255]}}]),
        ("npy of half floats", [{"to_uint8": {"source": "image"}}]),
    ],
)
def test_the_step_that_is_named_mends_it(kind: str, steps: list[Any]) -> None:
    assert problem(OTHER[kind][0], *steps) == ""


@pytest.mark.parametrize(
    ("kind", "steps", "found"),
    [
        ("12 bit dicom", ["voi"], "0 to 4095"),
        ("ct", [{"window": {"center": 40, "width": 400, "output": [0, 1]}}], "0 to 1"),
        ("ct", ["min_max"], "0 to 1"),
        ("npy", [{"rescale": {"factor": 1 / 255}}], "0 to 1"),
        ("npy", ["z_score"], "the model takes 0 to 255"),
        ("16 bit png", ["equalise"], "0 to 65535"),
        ("float tif of 0 to 1", [{"cast": {"dtype": "uint8"}}], "no known range"),
        ("ct", [{"cast": {"dtype": "uint8"}}], "no known range"),
        ("12 bit dicom", [{"cast": {"dtype": "uint8"}}], "no known range"),
        ("one bit tif", [{"cast": {"dtype": "uint8"}}], "0 to 1"),
        ("12 bit dicom", ["voi", {"gamma": {"gamma": 2}}], "0 to 4095"),
        ("float tif of 0 to 255", [{"value_range": {"low": 0, "high": 1}}], "outside of 0 to 1"),
    ],
)
def test_a_step_that_leads_elsewhere_is_found(kind: str, steps: list[Any], found: str) -> None:
    data = EIGHT_BIT[kind] if kind in EIGHT_BIT else OTHER[kind][0]
    assert found in problem(data, *steps)


def test_steps_of_the_spec_are_held_against_what_the_directory_says() -> None:
    model = card()
    whole = [{"window": {"center": 40, "width": 400, "output": [0, 1]}}, {"standardise": {"mean": 0.5, "std": 0.5}}]
    forgotten = [{"channels": {"to": 3}}]
    for steps, wanted in ((whole, ""), (forgotten, "its values are of the range 0 to 255")):
        host, affine = split(parse_steps(steps))
        ready = prepared(host, decode(EIGHT_BIT["npy"], settings()).frames[0])
        said = ValueContract(expected_range(model, parse_steps(steps)), affine).problem(ready.value_range)
        assert said.startswith(wanted)
        assert bool(said) == bool(wanted)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([{"resize": {"size": [4, 4]}}, {"channels": {"to": 1}}], None),
        ([{"standardise": {"mean": 0.5, "std": 0.5}}], None),
        ([{"rescale": {"factor": 1 / 1024}}], None),
        (["voi"], None),
        ([{"rescale": {"factor": 1 / 255}}], (0, 1)),
        ([{"rescale": {"factor": 1 / 127.5}}, {"standardise": {"mean": 1}}], (-1, 1)),
        ([{"standardise": {"scale": 1 / 65535}}], (0, 1)),
        (["to_uint8", {"rescale": {"factor": 1 / 255}}], (0, 1)),
        (["voi", {"min_max": {"output": [-1024, 1024]}}, {"channels": {"to": 1}}], (-1024, 1024)),
        ([{"value_range": {"low": 3, "high": 4}}], (3, 4)),
        (["to_uint8", {"cast": {"dtype": "float32"}}, {"gamma": {"gamma": 2}}], (0, 255)),
        (["z_score"], ANY),
        (["z_score", {"rescale": {"factor": 2}}], ANY),
    ],
)
def test_steps_say_which_range_they_lead_to(steps: list[Any], expected: Any) -> None:
    found = stated_range(parse_steps(steps))
    assert found == expected if expected is None else found == pytest.approx(expected)


def test_a_card_comes_before_its_steps_and_those_before_the_specs() -> None:
    rescale = parse_steps([{"rescale": {"factor": 1 / 255}}])
    assert expected_range(ModelCard("onnx", (), ("z_score",), value_range=(0, 9)), rescale) == (0, 9)
    assert expected_range(ModelCard("onnx", (), ("to_uint8",)), rescale) == EIGHT_BITS
    assert expected_range(ModelCard("onnx", ()), rescale) == pytest.approx((0, 1))
    assert expected_range(ModelCard("onnx", ()), ()) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (0, 255)),
        ({"rescale_factor": 1 / 127.5}, (0, 255)),
        ({"rescale_factor": 1 / 65535}, (0, 65535)),
        ({"rescale_factor": 1 / 4096}, (0, 4095)),
        ({"do_rescale": False}, (0, 1)),
        ({"do_rescale": False, "image_mean": [127.5] * 3}, None),
        ({"do_rescale": False, "do_normalize": False}, None),
    ],
)
def test_a_processor_says_what_it_is_shown(changes: dict[str, Any], expected: Any) -> None:
    assert shown_range({**VIT, **changes}) == expected


def test_a_model_without_a_word_takes_what_comes() -> None:
    for data, _ in OTHER.values():
        assert problem(data, model=ModelCard("onnx", ())) == ""


def test_a_range_needs_two_ends_and_no_nan() -> None:
    with pytest.raises(SpecError, match="low must be below high"):
        parse_steps([{"value_range": {"low": 1, "high": 1}}])
    assert "NaN" in problem(npy(np.full((4, 4), np.nan)), {"value_range": {"low": 0, "high": 1}})


def test_a_clip_keeps_the_type_where_it_can() -> None:
    (step,) = parse_steps([{"value_range": {"low": 10, "high": 300, "outside": "clip"}}])
    clipped = step(decode(npy(np.array([[0, 255]], np.uint8)), settings()).frames[0])
    np.testing.assert_array_equal(clipped.pixels, [[10, 255]])
    assert clipped.value_range == (10, 300)
