"""Steps that state the range of values: by a setting, by their output, or as the place of the model's own steps."""

import numpy as np
import pytest
from pydantic import ValidationError

from schemas.errors import RecordError
from tests.support.pictures import picture
from workers.images.prepare.model_steps import ModelSteps, is_model_steps
from workers.images.prepare.to_output import ToOutput
from workers.images.prepare.value_range import ValueRange
from workers.images.steps import STEPS


def grey(*values: float, dtype: str = "float32") -> np.ndarray:
    return np.array([values], dtype)


def test_values_inside_stay_as_they_are_and_the_range_is_stated() -> None:
    found = ValueRange(low=0, high=1)(picture(grey(0.0, 0.5, 1.0)))
    assert (found.pixels.tolist(), found.value_range) == ([[0.0, 0.5, 1.0]], (0.0, 1.0))
    assert ValueRange(low=0, high=1).stated_range(None) == (0.0, 1.0)


@pytest.mark.parametrize("value", [-0.001, 1.001, np.inf])
def test_a_value_outside_rejects_the_image_unless_it_is_to_be_clipped(value: float) -> None:
    image = picture(grey(0.5, value), (0, 1))
    with pytest.raises(RecordError, match="values outside of 0 to 1"):
        ValueRange(low=0, high=1)(image)
    clipped = ValueRange(low=0, high=1, outside="clip")(image)
    assert clipped.pixels.tolist() == [[0.5, float(value > 0)]]
    assert clipped.pixels.dtype == np.float32


def test_nan_lies_in_no_range() -> None:
    with pytest.raises(RecordError, match="NaN"):
        ValueRange(low=0, high=1, outside="clip")(picture(grey(0.5, np.nan), (0, 1)))


def test_integers_stay_integers_where_the_ends_are_and_become_fractions_where_not() -> None:
    image = picture(grey(0, 100, 255, dtype="uint8"))
    kept = ValueRange(low=10, high=200, outside="clip")(image).pixels
    assert (kept.tolist(), kept.dtype) == ([[10, 100, 200]], np.uint8)
    cut = ValueRange(low=0.5, high=200, outside="clip")(image).pixels
    assert (cut.tolist(), cut.dtype) == ([[0.5, 100.0, 200.0]], np.float32)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1)])
def test_a_range_without_extent_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValidationError, match="low must be below high"):
        ValueRange(low=low, high=high)


def test_a_step_with_an_output_leads_to_it_whatever_the_image() -> None:
    steps = [step for step in STEPS.values() if issubclass(step, ToOutput)]
    assert steps
    for step in steps:
        made = step.model_construct(output=(2.0, 5.0))
        assert made.stated_range((0, 4095)) == made.stated_range(None) == (2.0, 5.0)
        with pytest.raises(ValidationError):
            step.model_validate({"output": [3, 3]})


@pytest.mark.parametrize(
    ("entry", "is_it"),
    [("model", True), ({"model": {}}, True), ({"model": None}, True), ({"model": {"x": 1}}, False), ("voi", False)],
)
def test_the_place_of_the_models_own_steps_has_no_settings(entry: object, is_it: bool) -> None:
    assert is_model_steps(entry) is is_it


def test_the_place_of_the_models_own_steps_prepares_nothing_by_itself() -> None:
    with pytest.raises(RecordError, match="stands for the model's own steps"):
        ModelSteps()(picture(grey(0.5)))
