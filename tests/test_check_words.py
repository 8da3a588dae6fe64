"""`tests/check_words.py` finds docstrings that leave open what the thing is, and the project has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check_words import empty_words, faults


@pytest.mark.parametrize(
    "words",
    ["Of the arrays.", "Of one part, however short\nits lines are.", "See Taker.", "See `Totals`.", "See a.b.Model."],
)
def test_a_docstring_that_says_only_of_what_or_where_to_look_is_found(words: str) -> None:
    text = f'def nbytes() -> int:\n    """{words}"""\n'
    assert list(empty_words(text)) == [(2, words.splitlines()[0])]


def test_the_docstring_of_an_attribute_is_looked_at_too() -> None:
    assert [line for line, _ in empty_words('LIMIT = 3\n"""Of one file."""\n')] == [2]


@pytest.mark.parametrize(
    "words", ["Bytes of the arrays.", "See Taker. None where all are wanted.", "Office hours.", "Seen from above."]
)
def test_a_docstring_that_says_what_it_is_passes(words: str) -> None:
    assert not list(empty_words(f'"""{words}"""\n'))


def test_the_project_has_none() -> None:
    assert faults(Path(__file__).resolve().parent.parent) == []
