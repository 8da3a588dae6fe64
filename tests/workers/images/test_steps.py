from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from schemas.errors import SpecError
from workers.images.prepare.resize import Resize
from workers.images.prepare.window import Window
from workers.images.steps import STEPS, parse_steps

SPEC: list[Any] = [
    "voi",
    {"window": {"center": 40, "width": 400}},
    {"clahe": {}},
    {"equalise": None},
    {"resize": {"size": [224, 224], "method": "bilinear", "keep_aspect": True, "pad": 0}},
    {"standardise": {"mean": 0.5, "std": [0.1, 0.2, 0.3], "scale": 0.01}},
]


def test_a_list_of_steps_is_read_in_order() -> None:
    steps = parse_steps(SPEC)
    assert [step.name for step in steps] == ["voi", "window", "clahe", "equalise", "resize", "standardise"]
    assert steps[1] == Window(center=40, width=400)
    assert steps[4] == Resize(size=(224, 224), keep_aspect=True)


def test_every_line_of_the_table_is_a_step_of_that_name() -> None:
    assert list(STEPS) == sorted(STEPS)
    for name in STEPS:
        assert STEPS[name].name == name


def test_a_step_of_images_may_be_there_again() -> None:
    steps = parse_steps([{"channels": {"to": 1}}, "clahe", {"channels": {"to": 3}}])
    assert [step.name for step in steps] == ["channels", "clahe", "channels"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (["clhae"], r"prepare\[0\]: unknown step 'clhae', did you mean 'clahe'"),
        (["voi", {"resize": {"sise": [1, 1]}}], r"prepare\[1\] resize: unknown key 'sise', did you mean 'size'"),
        ([{"window": {"center": "x", "width": 4}}], r"prepare\[0\] window: center: "),
        ([{"window": {"center": 1, "width": float("inf")}}], r"width: .*finite"),
        (["window"], r"prepare\[0\] window: center: is missing"),
        ([{"voi": {}, "clahe": {}}], r"prepare\[0\]: expected a step's name"),
        ([3], r"prepare\[0\]: expected a step's name"),
        ([{"voi": [1]}], r"prepare\[0\] voi: expected a mapping"),
        ({"voi": {}}, "prepare: expected a list"),
        ("voi", "prepare: expected a list"),
        ([{7: {}}], "unknown step 7"),
    ],
)
def test_an_error_names_the_entry_the_key_and_the_nearest_name(raw: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_steps(raw)


def test_reading_a_spec_loads_no_library_that_computes() -> None:
    code = (
        "import sys; from workers.images.steps import STEPS, parse_steps; dict(STEPS);"
        "from workers.images.prepare import hf, plan;"
        "heavy = {'cv2', 'SimpleITK', 'torch', 'PIL', 'pydicom', 'scipy', 'ray', 'transformers'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
