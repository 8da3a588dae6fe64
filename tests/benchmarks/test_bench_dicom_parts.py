"""The parts of the DICOM benchmark that can be wrong without anybody noticing."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from tests.benchmarks import dicom_scores
from tests.benchmarks.answers import WrongAnswer
from tests.benchmarks.contestants.dicom_raydata import decoded
from tests.benchmarks.dicom_decoders import DECODERS, decoder_of, fastest
from tests.benchmarks.dicom_objects import (
    HUNDRED,
    KINDS,
    SYNTAXES,
    Kind,
    Planned,
    distinct,
    frame_of,
    object_of,
    picture,
    planned,
)
from tests.support.dicom_files import settings
from workers.images.decoding.decode import decode
from workers.images.steps import parse_steps

SMALL = [Kind("CT", 40, 56, 12, 1, intercept=-1024), Kind("CR", 64, 48, 14, 1), Kind("MR", 48, 48, 16, 1)]
FIRST = {
    "jpeg_lossless": "imagecodecs jpeg8",
    "jpeg_ls": "imagecodecs jpegls",
    "jpeg_2000": "pylibjpeg-openjpeg",
    "rle": "pylibjpeg-rle",
    "native": "numpy",
}


def test_every_hundred_objects_have_the_mix_that_is_said() -> None:
    every = planned(3 * HUNDRED)
    assert [one.number for one in every] == list(range(3 * HUNDRED))
    counts = Counter((one.kind.name, one.syntax) for one in every)
    assert counts == {(kind.name, syntax): 3 * kind.of_twenty for kind in KINDS for syntax in SYNTAXES}
    assert {(one.kind.name, one.syntax) for one in distinct(HUNDRED)} == counts.keys()
    assert {one.picture for one in distinct(HUNDRED)} == {0}


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.name)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_object_holds_its_picture_for_pydicom_and_for_us(kind: Kind, syntax: str) -> None:
    body = object_of(Planned(0, kind, syntax, 1))
    read = dcmread(BytesIO(body))
    assert read.file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    assert np.array_equal(read.pixel_array, picture(kind, 1))
    (image,) = decode(body, settings()).frames
    assert np.array_equal(image.pixels, picture(kind, 1).astype(np.int32) + kind.intercept)


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("syntax", "name"), FIRST.items())
def test_the_decoders_that_ours_asks_first_are_exact(kind: Kind, syntax: str, name: str) -> None:
    found = np.asarray(decoder_of(syntax, name)(frame_of(kind, syntax, 0), kind))
    assert np.array_equal(found.reshape(kind.rows, kind.columns), picture(kind, 0))


def test_the_fastest_is_among_those_that_decode_codestreams_and_are_exact() -> None:
    rates: dict[str, dict[str, float | str]] = {
        syntax: {one.name: 9.0 if one.whole else "not exact" for one in decoders}
        for syntax, decoders in DECODERS.items()
    }
    for syntax, name in FIRST.items():
        rates[syntax][name] = 1.0
    assert fastest(rates) == FIRST


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.name)
def test_all_prepare_alike(kind: Kind) -> None:
    body = object_of(Planned(0, kind, "rle", 0))
    theirs = decoded({"bytes": body, "path": "/objects/o00000.dcm"})
    (image,) = decode(body, settings()).frames
    for step in parse_steps(dicom_scores.PREPARE):
        image = step.apply(image)
    assert theirs["id"] == "o00000"
    np.testing.assert_allclose(theirs["x"][0], image.pixels, rtol=0, atol=1e-6)


def test_a_contestant_that_leaves_out_an_object_or_scores_otherwise_is_found(tmp_path: Path) -> None:
    wanted = {one.name: np.full(3, 0.5, np.float32) for one in planned(HUNDRED)}
    assert dicom_scores.check(wanted, wanted) == 0
    with pytest.raises(WrongAnswer, match="99 of the 100"):
        dicom_scores.check({name: scores for name, scores in wanted.items() if name != "o00004"}, wanted)
    with pytest.raises(WrongAnswer, match="plain network"):
        dicom_scores.check({**wanted, "o00004": np.full(3, 0.6, np.float32)}, wanted)
