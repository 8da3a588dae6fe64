"""Calibrated columns of runs that put their rows together in other ways: by whole shards, of several models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
import yaml
from scipy.special import expit

from tests.support import runs
from tests.support.genotype_runs import spec
from tests.support.mistakes.world import WORLDS
from tests.support.panel_models import make_panel_model_directory
from tests.support.plink_files import cohort, write_bed
from workers.statistics.logistic import logit

PLATT = {"method": "platt", "slope": 0.5, "intercept": 0.25}


def _calibrate(folder: Path, output: str, **more: Any) -> None:
    document = {"format": "wardround-calibration", "format_version": 1, "outputs": {output: {"map": PLATT, **more}}}
    (folder / "calibration.json").write_text(json.dumps(document))


def _expected(scores: pl.Series) -> np.ndarray:
    return expit(0.25 + 0.5 * logit(scores.to_numpy()))


def test_a_panel_of_genotypes_has_calibrated_columns(tmp_path: Path) -> None:
    data = cohort(40, 30)
    write_bed(tmp_path, data)
    panel = pl.DataFrame(
        {
            "chrom": ["chr" + name for name in data.chrom[:12]],
            "pos": 5_000_000 + np.arange(12),
            "effect_allele": ["A"] * 12,
            "other_allele": ["G"] * 12,
            "effect_frequency": [0.3] * 12,
        }
    )
    make_panel_model_directory(tmp_path / "panel", "panel_mlp", panel, 3, {"hidden": [8]}, labels=("a", "b"))
    _calibrate(tmp_path / "panel", "score_b")
    runs.run(spec(tmp_path, "format: bed, uri: ROOT/cohort.bed", models="p: {uri: ROOT/panel}"))
    found = runs.rows(tmp_path / "out")
    assert found["score_b_calibrated"].to_numpy() == pytest.approx(_expected(found["score_b"]), abs=1e-6)
    assert "score_a_calibrated" not in found.columns


def test_of_two_models_each_has_its_own(tmp_path: Path) -> None:
    native = WORLDS["native"](tmp_path)
    (tmp_path / "images" / "letter.png").write_text("no image")
    shutil.copytree(tmp_path / "native", tmp_path / "other")
    _calibrate(tmp_path / "native", "score_pneumonia")
    models = {name: {"uri": str(tmp_path / name)} for name in ("native", "other")}
    source = {"collection": "images", "uri": str(tmp_path / "images"), "format": "png"}
    runs.run(yaml.safe_dump({**native, "input": source, "models": models, "output": {"uri": str(tmp_path / "out")}}))
    found = runs.rows(tmp_path / "out")
    names = [name for name in found.columns if name.endswith("_calibrated")]
    assert names == ["native__score_pneumonia_calibrated"]
    good = found.filter(pl.col("status") == "ok")
    assert good[names[0]].to_numpy() == pytest.approx(_expected(good["native__score_pneumonia"]), abs=1e-6)
    assert found.filter(pl.col("status") != "ok")[names[0]].to_list() == [None]


def test_a_value_that_nobody_has_seen_is_told_by_the_row(tmp_path: Path) -> None:
    WORLDS["native"](tmp_path)
    _calibrate(tmp_path / "native", "score_normal", by="site", values={"A": {**PLATT, "intercept": 2}}, unseen="null")
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8), 10 * number, np.uint8))
    (tmp_path / "table.csv").write_text("uri,record_id,site\n0.png,a,A\n1.png,b,B\n2.png,c,\n")
    source = {"collection": "images", "uri": str(tmp_path / "table.csv"), "carry": ["site"]}
    spec_of = {"job": "predict", "name": "x", "input": source, "models": {"m": {"uri": str(tmp_path / "native")}}}
    runs.run(yaml.safe_dump({**spec_of, "output": {"uri": str(tmp_path / "out")}, "compute": {"pool": "serial"}}))
    found = runs.rows(tmp_path / "out")
    assert found["score_normal_calibration"].to_list() == ["own", "none", "none"]
    assert found["score_normal_calibrated"].null_count() == 2
    figures = json.loads((tmp_path / "out" / "manifest.json").read_text())["figures"]
    assert "score_normal_calibration" in figures["labels"]
