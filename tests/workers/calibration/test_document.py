"""calibration.json as it lies in a model directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.calibration.columns import CalibratedColumn
from workers.calibration.document import (
    Calibration,
    OutputCalibration,
    calibrated_fields,
    read_calibration,
    scoring_digest,
)
from workers.calibration.maps import Platt

OUTPUTS = (
    OutputField(name="score_pneumonia", type="float32", meaning="probability"),
    OutputField(name="words", type="int32", meaning="number of words"),
)
FILES = {"config.json": "00" * 32, "model.safetensors": "11" * 32}
PLATT = {"method": "platt", "slope": 0.5, "intercept": 0.1}


def _written(folder: Path, outputs: Any, **more: Any) -> Path:
    document = {"format": "wardround-calibration", "format_version": 1, "outputs": outputs, **more}
    (folder / "calibration.json").write_text(json.dumps(document))
    return folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    own = OutputCalibration(map=Platt(slope=0.5, intercept=0.1), by="site", values={"A": Platt(slope=1, intercept=0)})
    document = Calibration(outputs={"score_pneumonia": own}, model=scoring_digest(FILES))
    (tmp_path / "calibration.json").write_bytes(document.encode())
    assert read_calibration(tmp_path, OUTPUTS, FILES) == document
    assert [field.name for field in calibrated_fields(document)] == [
        "score_pneumonia_calibrated",
        "score_pneumonia_calibration",
    ]


def test_a_directory_without_one_is_not_calibrated(tmp_path: Path) -> None:
    assert read_calibration(tmp_path, OUTPUTS, FILES) is None


@pytest.mark.parametrize(
    ("outputs", "more", "says"),
    [
        ({"score_pneumonis": {"map": PLATT}}, {}, "did you mean 'score_pneumonia'?"),
        ({"words": {"map": PLATT}}, {}, "only a number can be calibrated"),
        ({"score_pneumonia": {"map": {**PLATT, "slope": -1}}}, {}, "at least 0"),
        ({"score_pneumonia": {"map": {"method": "spline"}}}, {}, "method"),
        ({"score_pneumonia": {"map": PLATT, "values": {"A": PLATT}}}, {}, "need `by`"),
        ({"score_pneumonia": {"map": PLATT}}, {"format": "other"}, "must be 'wardround-calibration'"),
        ({"score_pneumonia": {"map": PLATT}}, {"model": "22" * 32}, "a model with other files"),
        ({}, {}, "calibrates nothing"),
    ],
)
def test_a_wrong_one_is_refused_by_what_is_wrong(tmp_path: Path, outputs: Any, more: Any, says: str) -> None:
    with pytest.raises(SpecError, match=says.replace("?", r"\?")):
        read_calibration(_written(tmp_path, outputs, **more), OUTPUTS, FILES)


def test_papers_beside_the_weights_do_not_make_another_model(tmp_path: Path) -> None:
    papers = {**FILES, "calibration.json": "33" * 32, "model_card.md": "44" * 32, "SHA256SUMS": "55" * 32}
    assert scoring_digest(papers) == scoring_digest(FILES)
    _written(tmp_path, {"score_pneumonia": {"map": PLATT}}, model=scoring_digest(FILES))
    assert read_calibration(tmp_path, OUTPUTS, papers) is not None


def _columns(unseen: str) -> dict[str, list[Any]]:
    how = OutputCalibration.model_validate(
        {"map": PLATT, "by": "site", "values": {"7": {**PLATT, "intercept": 2}}, "unseen": unseen}
    )
    one = CalibratedColumn("s_calibrated", "s", "s_calibration", how)
    given = {"s": pa.array([0.5, 0.5, 0.5, None], pa.float32()), "site": pa.array([7, 8, None, 7])}
    return {name: values.to_pylist() for name, values in one.arrays(given)}


def test_each_row_goes_through_the_map_of_its_value_and_says_so() -> None:
    found = _columns("pooled")
    own, pooled = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-0.1))
    assert found["s_calibrated"] == [pytest.approx(own), pytest.approx(pooled), pytest.approx(pooled), None]
    assert found["s_calibration"] == ["own", "pooled", "pooled", None]


def test_a_value_without_a_map_has_no_calibrated_score_where_that_is_asked_for() -> None:
    found = _columns("null")
    assert found["s_calibrated"][1:] == [None, None, None]
    assert found["s_calibration"] == ["own", "none", "none", None]
