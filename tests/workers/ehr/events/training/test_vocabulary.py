"""The vocabulary and the scale of values are those of the training subjects, each counted once."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.training.histories import HeldHistories
from workers.ehr.events.training.settings import VocabularySettings
from workers.ehr.events.training.vocabulary import FittedVocabulary, fit_vocabulary
from workers.training.held import HeldExamples

CODES = ["A", "B", "C", "LAB"]
RECORDS = [(1, "AAB", 5), (1, "AABB", 9), (2, "ACL", 5), (3, "LL", 5), (4, "CCCCCC", 5)]
"""Subject, the first letters of its codes, prediction time. Values of LAB: 1, 2, 6."""


def examples() -> HeldExamples[HeldHistories]:
    letters = "".join(codes for _, codes, _ in RECORDS)
    value = np.full(len(letters), np.nan, np.float32)
    value[[place for place, letter in enumerate(letters) if letter == "L"]] = [1, 2, 6]
    lengths = [len(codes) for _, codes, _ in RECORDS]
    histories = Histories(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.array([at for _, _, at in RECORDS]),
        CODES,
        np.array(["ABCL".index(letter) for letter in letters], np.int32),
        np.full(len(letters), STATIC),
        value,
    )
    return HeldExamples(HeldHistories(histories, np.array([subject for subject, _, _ in RECORDS])), len(RECORDS))


def fitted(rows: slice, **settings: int) -> FittedVocabulary:
    return fit_vocabulary(examples()[rows], VocabularySettings(**{"min_subjects": 1, **settings}))


def test_codes_are_counted_by_subjects_and_the_most_common_come_first() -> None:
    table = fitted(slice(0, 4)).table
    assert table["code"].to_pylist() == ["A", "LAB", "B", "C"]
    assert table["code/n_subjects"].to_pylist() == [2, 2, 1, 1]
    assert table["code/vocab_index"].to_pylist() == [1, 2, 3, 4]


def test_the_scale_is_that_of_all_values_and_null_where_there_are_none() -> None:
    table = fitted(slice(0, 4)).table
    assert table["values/mean"].to_pylist() == [None, 3.0, None, None]
    assert table["values/std"][1].as_py() == pytest.approx(np.std([1, 2, 6]))
    assert table["values/n_occurrences"].to_pylist() == [0, 3, 0, 0]


def test_records_that_are_not_learned_from_count_nothing() -> None:
    table = fitted(slice(0, 3)).table
    assert dict(zip(table["code"].to_pylist(), table["code/n_subjects"].to_pylist(), strict=True))["LAB"] == 1
    assert table["values/mean"].drop_null().to_pylist() == [1.0]
    assert fitted(slice(0, 5)).table["code/n_subjects"].to_pylist() == [2, 2, 2, 1]


def test_rare_codes_are_left_out_and_told() -> None:
    found = fitted(slice(0, 4), min_subjects=2)
    assert (found.table["code"].to_pylist(), found.rare, found.num_codes) == (["A", "LAB"], 2, 3)
    found = fitted(slice(0, 4), max_codes=3)
    assert (found.table["code"].to_pylist(), found.rare) == (["A", "LAB", "B"], 1)


def test_no_code_at_all_is_an_error() -> None:
    with pytest.raises(SpecError, match="no code occurs in 9 of the training subjects"):
        fitted(slice(0, 4), min_subjects=9)
