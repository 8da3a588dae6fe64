"""The model directory of `bench-dicom`, and the scores that all are held to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.benchmarks import ours
from tests.benchmarks.answers import TOLERANCE, Scores, WrongAnswer
from tests.benchmarks.dicom_network import SIDE, prepared, scored
from tests.benchmarks.dicom_objects import picture, planned
from tests.benchmarks.network import network

PREPARE = [{"resize": {"size": [SIDE, SIDE], "method": "area"}}, {"min_max": {"output": [0, 1]}}]
"""`prepared` as steps of ours."""


def write_model(folder: Path) -> Path:
    """The network of `bench-images` with these steps."""
    made = ours.write_model(folder)
    config = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps({**config, "prepare": PREPARE}, indent=1))
    return made


def expected(objects: int) -> dict[str, Scores]:
    """The plain network's scores of every object, from the pictures before they were encoded."""
    model = network()
    of_picture: dict[tuple[str, int], Scores] = {}
    found = {}
    for one in planned(objects):
        key = one.kind.name, one.picture
        if key not in of_picture:
            values = picture(one.kind, one.picture)
            pixels = values.astype(np.int16) + np.int16(one.kind.intercept) if one.kind.intercept else values
            of_picture[key] = scored(model, prepared(pixels)[None, None])[0]
        found[one.name] = of_picture[key]
    return found


def check(found: Mapping[str, Scores], wanted: Mapping[str, Scores]) -> float:
    """Largest difference. Raises WrongAnswer unless every object is there, and right."""
    if found.keys() != wanted.keys():
        raise WrongAnswer(f"{len(found.keys() & wanted.keys())} of the {len(wanted)} objects have scores")
    worst = max(float(np.abs(found[name] - scores).max()) for name, scores in wanted.items())
    if not worst <= TOLERANCE:
        raise WrongAnswer(f"scores differ from the plain network's by {worst:.2g}, allowed is {TOLERANCE}")
    return worst
