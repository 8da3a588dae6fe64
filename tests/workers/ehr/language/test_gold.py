"""ConText against sentences that were marked before its rules were looked at, and against every kind of phrase."""

import pytest

from tests.support.context_gold import Rules, agreement, gold, sentencizer_starts, wrong
from workers.ehr.language.rules import FLAGS

RULES = Rules()


@pytest.mark.parametrize("sentences_of", ["our own", "a sentencizer"])
def test_every_kind_of_phrase_is_read_as_a_clinician_reads_it(sentences_of: str) -> None:
    found = {}
    for sentence in gold("kinds.txt"):
        starts = None if sentences_of == "our own" else sentencizer_starts(sentence.text)
        found[sentence.text] = wrong(sentence, RULES.flags(sentence, starts))
    assert len(found) >= 700
    assert {text: terms for text, terms in found.items() if terms} == {}


@pytest.mark.parametrize("name", ["gold.txt", "second.txt"])
def test_on_sentences_that_no_rule_was_made_for_nearly_all_is_right(name: str) -> None:
    kept = [sentence for sentence in gold(name) if sentence.kept or name == "second.txt"]
    found = agreement(kept, RULES.flags)
    assert all(found[flag].precision >= 0.9 and found[flag].recall >= 0.9 for flag in ("negated", "uncertain")), found
    assert all(found[flag].precision >= 0.75 and found[flag].recall >= 0.75 for flag in FLAGS), found
    assert sum(not wrong(sentence, RULES.flags(sentence)) for sentence in kept) >= 0.85 * len(kept)


def test_both_halves_of_the_gold_have_about_two_hundred_sentences() -> None:
    sentences = gold("gold.txt")
    assert len(sentences) >= 400
    assert abs(2 * sum(sentence.kept for sentence in sentences) - len(sentences)) < 40
