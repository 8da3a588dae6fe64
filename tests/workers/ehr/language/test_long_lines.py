"""One long line of anything costs its length: sections, stretches and ConText, by counted time with much to spare."""

import time

import pytest

from workers.ehr.language.context import ContextRules
from workers.ehr.language.rules import load_rules
from workers.ehr.language.sections import SectionRules
from workers.ehr.language.segments import segments

RULES = load_rules()
CONTEXT, SECTIONS = ContextRules(RULES.triggers, RULES.lists), SectionRules(RULES.sections)
PIECES = [" ", "a" + " " * 159, "\t", ". ", "? ", "no ", "not without ", "[", "[ ]", "([", "- ", "-", "+", ":", "A: "]
PIECES += [
    "\n",
    "\n" + " " * 50,
    "PAST ",
    ",",
    "#",
    "*",
    "=",
    '."',
    "and/or ",
    "history of ",
    "rule out ",
    "3 day ",
    "x",
]


def seconds(piece: str, size: int) -> float:
    text = (piece * (size // len(piece) + 1))[:size] + " no fever"
    terms = [(at, at + 5) for at in range(0, len(text) - 5, size // 10)]
    started = time.process_time()
    SECTIONS.find(text)
    CONTEXT.flags(text, segments(text, [0]), terms)
    return time.process_time() - started


@pytest.mark.parametrize("piece", PIECES)
def test_a_line_of_one_thing_repeated_costs_no_more_than_its_length(piece: str) -> None:
    # 10,000 characters squared would take minutes; in proportion they take some 0.1 s.
    assert seconds(piece, 10_000) < 4


@pytest.mark.long
@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_on_one_line_is_read_in_seconds(piece: str) -> None:
    assert seconds(piece, 1 << 20) < 60
