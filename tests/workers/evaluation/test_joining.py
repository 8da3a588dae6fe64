import polars as pl
import pytest

from schemas.errors import SpecError
from workers.evaluation.joining import joined
from workers.evaluation.settings import EvaluateInput


def source(**settings: object) -> EvaluateInput:
    return EvaluateInput.model_validate(
        {"run": "/run", "outcomes": {"sick": {"score": "score", "truth": "truth"}}, **settings}
    )


def rows(**more: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subject_id": ["a", "b", None],
            "run.id": ["1", "2", "3"],
            "score.sick": [0.1, 0.2, 0.3],
            "status.sick": ["ok", "unreadable", "ok"],
            **more,
        }
    )


def test_a_score_counts_only_where_the_row_is_ok() -> None:
    found = joined(rows(truth=[1, 0, None]), None, source())
    assert found["score.sick"].to_list() == [0.1, None, 0.3]
    assert found["truth.sick"].to_list() == [1.0, 0.0, None]


def test_labels_are_joined_by_id_in_the_order_of_the_rows() -> None:
    labels = pl.DataFrame({"key": ["3", "1", "9"], "truth": [1, 0, 1]}).with_row_index("label.row")
    found = joined(rows(), labels, source(labels={"uri": "/labels", "key": "key"}))
    assert found["truth.sick"].to_list() == [0.0, None, 1.0]
    assert found["label.row"].to_list() == [1, None, 0]


def test_a_row_of_both_parts_is_a_tuning_row() -> None:
    asked = source(tuning={"site": ["x", "y"]}, test={"site": ["y", "z"]})
    found = joined(rows(truth=[1, 0, 1], site=["x", "y", "q"]), None, asked)
    assert found["part"].to_list() == ["tuning", "tuning", None]


@pytest.mark.parametrize("truth", [["yes", "no", "perhaps"], ["yes", "no", None]])
def test_what_is_neither_positive_nor_negative_has_no_truth(truth: list[str | None]) -> None:
    outcome = {"score": "score", "truth": "truth", "positive": "yes", "negative": "no"}
    found = joined(rows(truth=truth), None, source(outcomes={"sick": outcome}))
    assert found["truth.sick"].to_list() == [1.0, 0.0, None]


def test_numbers_of_a_text_column_are_compared_as_text() -> None:
    found = joined(
        rows(truth=["1", "0", "01"]),
        None,
        source(outcomes={"sick": {"score": "score", "truth": "truth", "positive": "1"}}),
    )
    assert found["truth.sick"].to_list() == [1.0, 0.0, 0.0]


def test_a_band_holds_its_lower_bound() -> None:
    found = joined(rows(truth=[1, 1, 1], age=[17.9, 18.0, 90.0]), None, source(groups={"age": {"bands": [18, 65]}}))
    assert found["group.age"].to_list() == ["below 18", "18 to 65", "65 and above"]


def test_a_band_of_text_is_refused() -> None:
    with pytest.raises(SpecError, match="no number"):
        joined(rows(truth=[1, 1, 1], age=["old", "1", "2"]), None, source(groups={"age": {"bands": [18]}}))


@pytest.mark.parametrize("truth", [["true", "False", None], [True, False, None], [1, 0, None], [1.0, 0.0, None]])
def test_truth_values_are_read_from_words_and_numbers(truth: list[object]) -> None:
    outcome = {"score": "score", "truth": "truth", "positive": True, "negative": False}
    found = joined(rows(truth=truth), None, source(outcomes={"sick": outcome}))
    assert found["truth.sick"].to_list() == [1.0, 0.0, None]


def test_a_label_may_have_a_column_of_any_name() -> None:
    labels = pl.DataFrame({"key": ["1"], "id": [1], "record": [2], "truth": [1]}).with_row_index("label.row")
    asked = source(labels={"uri": "/labels", "key": "key"}, groups={"id": {}, "record": {}})
    found = joined(rows(), labels, asked)
    assert found["group.id"].to_list() == ["1", None, None]
    assert found["group.record"].to_list() == ["2", None, None]
