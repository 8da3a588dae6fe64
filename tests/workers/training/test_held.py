"""Examples that are held together."""

from __future__ import annotations

import numpy as np
import pytest

from workers.training.held import HeldExamples, together

NAMES = ("a", "b", "c", "d")


def test_examples_are_a_sequence_and_say_where_they_are() -> None:
    examples = HeldExamples(NAMES, 4)
    assert [one.record for one in examples] == [0, 1, 2, 3]
    assert (examples[-1].record, len(examples)) == (3, 4)
    by, records = together([examples[2], *examples[0:2]])
    assert by is NAMES
    assert np.array_equal(records, [2, 0, 1])
    with pytest.raises(IndexError):
        examples[4]


def test_examples_of_two_tables_do_not_go_into_one_step() -> None:
    with pytest.raises(AssertionError, match="two tables"):
        together([HeldExamples(NAMES, 4)[0], HeldExamples(("e",), 1)[0]])
