from __future__ import annotations

import numpy as np
import pytest
import torch

from schemas.errors import SpecError
from schemas.outputs import OutputField
from workers.models.activation import activate as on_device
from workers.models.head import Activation, Head, activate, by_column, check_fields, column_name, score_fields

LOGITS = np.array([[0.0, 3.0, -3.0], [1000.0, -1000.0, 999.0]], np.float32)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Pleural Effusion", "score_pleural_effusion"),
        ("  COVID-19 / (acute)", "score_covid_19_acute"),
        ("Épanchement", "score_epanchement"),
        ("ﬁbrosis", "score_fibrosis"),
        ("7", "score_7"),
    ],
)
def test_a_label_becomes_a_column_of_small_ascii_letters(label: str, name: str) -> None:
    assert column_name(label) == name


@pytest.mark.parametrize("label", ["", "---", "肺炎"])
def test_a_label_of_which_nothing_remains_is_refused(label: str) -> None:
    with pytest.raises(SpecError, match="no letter or digit for a column name"):
        column_name(label)


def test_two_labels_of_one_column_are_both_named() -> None:
    with pytest.raises(SpecError, match=r"'No Finding' and 'no-finding' both give the column 'score_no_finding'"):
        score_fields(Head(activation="softmax", labels=("No Finding", "no-finding")))


@pytest.mark.parametrize(
    ("activation", "meaning"), [("sigmoid", "probability (sigmoid) of 'A'"), ("none", "raw output of 'A'")]
)
def test_a_column_says_what_its_numbers_are(activation: Activation, meaning: str) -> None:
    (field,) = score_fields(Head(activation=activation, labels=("A",)))
    assert (field.name, field.type, field.meaning) == ("score_a", "float32", meaning)


def field(name: str, kind: str = "float32") -> OutputField:
    return OutputField.model_validate({"name": name, "type": kind, "meaning": "m"})


def test_declared_outputs_stand_for_the_labels_in_order() -> None:
    head = Head(activation="none", labels=("A", "B"))
    assert [output.name for output in check_fields(head, (), "x")] == ["score_a", "score_b"]
    assert [output.name for output in check_fields(head, [field("q"), field("p")], "x")] == ["q", "p"]


@pytest.mark.parametrize(
    "outputs", [[field("p")], [field("p"), field("q"), field("r")], [field("p"), field("q", "int32")]]
)
def test_declared_outputs_that_do_not_fit_the_labels_are_refused(outputs: list[OutputField]) -> None:
    with pytest.raises(SpecError, match=r"x: outputs must be one float32 a label \(2\)"):
        check_fields(Head(activation="none", labels=("A", "B")), outputs, "x")


def test_declared_outputs_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="two outputs have the same name"):
        check_fields(Head(activation="none", labels=("A", "B")), [field("p"), field("p")], "x")


def test_probabilities_are_those_of_their_definition_and_never_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        sigmoid, softmax = activate(LOGITS, "sigmoid"), activate(LOGITS, "softmax")
    assert np.allclose(sigmoid, [[0.5, 0.95257413, 0.04742587], [1, 0, 1]], atol=1e-7)
    assert np.allclose(softmax[0], np.exp([0, 3, -3]) / np.exp([0, 3, -3]).sum(), atol=1e-7)
    assert np.allclose(softmax[1], [0.73105858, 0, 0.26894142], atol=1e-7)
    assert sigmoid.dtype == softmax.dtype == np.float32


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
def test_scores_are_the_same_on_the_device(activation: Activation) -> None:
    there = on_device(torch.from_numpy(LOGITS), activation).numpy()
    assert np.allclose(there, activate(LOGITS, activation), atol=1e-6)


def test_columns_are_the_scores_in_the_order_of_the_outputs() -> None:
    columns = by_column([field("p"), field("q")], np.array([[1, 2], [3, 4]], np.float32))
    assert {name: values.tolist() for name, values in columns.items()} == {"p": [1, 3], "q": [2, 4]}
    assert columns["q"].flags.c_contiguous
