"""From a run to a calibration, into the model directory, and to a run with calibrated columns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import polars as pl
import pytest
import yaml
from onnx import TensorProto, helper

from schemas.errors import FingerprintError, SpecError
from tests.support.runs import rows, run
from workers.statistics.logistic import expit, logit

IMAGES = 2000


def _model(folder: Path) -> Path:
    """The mean of an image as a logit: 2 for each 16 above 128."""
    folder.mkdir()
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["mean"]),
            helper.make_node("Gemm", ["mean", "weight", "bias"], ["logit"]),
        ],
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, [1, 1], [2 / 16]),
            helper.make_tensor("bias", TensorProto.FLOAT, [1], [-2 * 128 / 16]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(made, str(folder / "model.onnx"))
    head = {"activation": "sigmoid", "labels": ["sick"]}
    card = {"format": "onnx", "head": head, "prepare": [{"channels": {"to": 1}}]}
    (folder / "wardround.json").write_text(json.dumps(card))
    return folder


def _archive(folder: Path) -> Path:
    """Images of one grey each. A logit of 2 is told where 1 would be right, and at site B it is 1 too low."""
    (folder / "images").mkdir()
    generator = np.random.default_rng(0)
    greys = np.clip(np.round(generator.normal(122, 14, IMAGES)), 90, 165).astype(np.uint8)
    sites = generator.choice(["A", "B"], IMAGES)
    sick = generator.random(IMAGES) < expit((greys - 128.0) / 16 + (sites == "B"))
    split = generator.choice(["tuning", "test"], IMAGES)
    lines = []
    for at, grey in enumerate(greys):
        cv2.imwrite(str(folder / "images" / f"{at}.png"), np.full((4, 4), grey, np.uint8))
        lines.append(f"images/{at}.png,{at:04d},{sites[at]},{split[at]},{int(sick[at])}")
    (folder / "table.csv").write_text("uri,record_id,site,split,sick\n" + "\n".join(lines) + "\n")
    return folder / "table.csv"


def _predict(folder: Path, out: str, carry: tuple[str, ...] = ("site", "split", "sick")) -> str:
    source = {"collection": "images", "uri": str(folder / "table.csv"), "carry": list(carry)}
    spec = {"job": "predict", "name": out, "input": source, "models": {"m": {"uri": str(folder / "model")}}}
    return yaml.safe_dump({**spec, "output": {"uri": str(folder / out)}, "compute": {"pool": "serial"}})


def _evaluate(folder: Path, of: str, out: str, score: str, **more: Any) -> dict[str, Any]:
    """Figures of all test rows, by name and point."""
    source = {"run": str(folder / of), "outcomes": {"sick": {"score": score, "truth": "sick"}}, "draws": 100, **more}
    spec = {"job": "evaluate", "name": out, "input": {**source, "tuning": {"split": "tuning"}}}
    run(yaml.safe_dump({**spec, "output": {"uri": str(folder / out)}, "compute": {"pool": "serial"}}))
    found = json.loads((folder / out / "metrics.json").read_text())["outcomes"]["sick"]["all"]
    return {(row["figure"], row["point"]): row for row in found}


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scored, evaluated with a calibration by site, and the calibration put into the model directory."""
    folder = tmp_path_factory.mktemp("cycle")
    _archive(folder)
    _model(folder / "model")
    run(_predict(folder, "raw"))
    _evaluate(folder, "raw", "evaluated", "score_sick", calibration={"method": "platt", "by": "site"})
    shutil.copy(folder / "evaluated" / "calibration.json", folder / "model" / "calibration.json")
    run(_predict(folder, "calibrated"))
    return folder


def test_calibrated_columns_stand_beside_the_raw_ones_and_the_slope_is_about_1(cycle: Path) -> None:
    raw, found = rows(cycle / "raw"), rows(cycle / "calibrated")
    assert found["score_sick"].to_list() == raw["score_sick"].to_list()
    assert found.columns[-2:] == ["score_sick_calibrated", "score_sick_calibration"]
    before = _evaluate(cycle, "calibrated", "before", "score_sick")
    after = _evaluate(cycle, "calibrated", "after", "score_sick_calibrated")
    assert before["calibration_slope", ""]["high"] < 0.9
    assert after["calibration_slope", ""]["value"] == pytest.approx(1, abs=0.15)
    assert after["observed_by_expected", ""]["value"] == pytest.approx(1, abs=0.1)
    promised = json.loads((cycle / "evaluated" / "metrics.json").read_text())["outcomes"]["sick"]["all"]
    told = {row["figure"]: row["value"] for row in promised if row["point"] == "calibrated"}
    assert {name: after[name, ""]["value"] for name in told} == pytest.approx(told, abs=1e-9)


def test_each_row_went_through_the_map_of_its_site(cycle: Path) -> None:
    found = rows(cycle / "calibrated")
    document = json.loads((cycle / "model" / "calibration.json").read_text())["outputs"]["score_sick"]
    for site in ("A", "B"):
        here = found.filter(pl.col("site") == site)
        line = document["values"][site]
        expected = expit(line["intercept"] + line["slope"] * logit(here["score_sick"].to_numpy()))
        assert here["score_sick_calibrated"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert found["score_sick_calibration"].unique().to_list() == ["own"]


def test_the_calibration_is_part_of_what_a_run_is(cycle: Path) -> None:
    with pytest.raises(FingerprintError, match=r"the models' calibration.json.*the models' files"):
        run(_predict(cycle, "raw"))
    run_file = json.loads((cycle / "calibrated" / "run.json").read_text())
    assert run_file["models"]["m"]["files"].keys() >= {"calibration.json", "model.onnx"}


def test_the_column_that_it_needs_has_to_be_carried(cycle: Path) -> None:
    with pytest.raises(SpecError, match=r"calibrated by 'site', which the rows do not carry: add it to input.carry"):
        run(_predict(cycle, "uncarried", ("split", "sick")))


def test_a_calibrated_score_is_not_calibrated_again(cycle: Path) -> None:
    with pytest.raises(SpecError, match="calibrated already: name 'score_sick'"):
        _evaluate(cycle, "calibrated", "twice", "score_sick_calibrated", calibration={"method": "platt"})


def test_calibration_of_other_weights_is_refused(cycle: Path, tmp_path: Path) -> None:
    shutil.copytree(cycle / "model", tmp_path / "model")
    shutil.copytree(cycle / "images", tmp_path / "images")
    shutil.copy(cycle / "table.csv", tmp_path / "table.csv")
    card = json.loads((tmp_path / "model" / "wardround.json").read_text())
    (tmp_path / "model" / "wardround.json").write_text(json.dumps({**card, "notes": "another"}))
    with pytest.raises(SpecError, match=r"model 'm': .*calibration.json: was fitted on scores of a model with other"):
        run(_predict(tmp_path, "out"))
