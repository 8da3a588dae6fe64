"""A model directory with a calibration of its classes scores with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.support.mistakes.world import WORLDS
from tests.support.runs import rows, run
from workers.calibration.class_maps import Classes

SCORES = ["score_normal", "score_pneumonia"]


def test_calibrated_classes_stand_beside_the_raw_ones_and_add_up_to_1(tmp_path: Path) -> None:
    spec = WORLDS["native"](tmp_path)
    how = {"method": "vector", "slopes": [0.05, 0.07], "intercepts": [0.2, -0.2]}
    together = {"outputs": SCORES, "map": how, "rows": 100}
    (tmp_path / "native" / "calibration.json").write_text(json.dumps({"classes": [together]}))
    run(yaml.safe_dump(spec).replace("HERE", str(tmp_path)))
    found = rows(tmp_path / "out")
    calibrated = found.select(f"{name}_calibrated" for name in SCORES).to_numpy()
    expected = Classes.model_validate(how).apply(found.select(SCORES).to_numpy())
    assert calibrated == pytest.approx(expected, abs=1e-6)
    assert calibrated.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert np.abs(calibrated - found.select(SCORES).to_numpy()).max() > 0.01
