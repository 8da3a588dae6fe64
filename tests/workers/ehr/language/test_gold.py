"""ConText against sentences that were marked before its rules were looked at, and against every kind of phrase."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.context_gold import Rules, Sentence, Term, agreement, gold, sentencizer_starts, wrong
from workers.ehr.language.rules import FLAGS, Flag

RULES = Rules()


@pytest.mark.parametrize("sentences_of", ["our own", "a sentencizer"])
def test_every_kind_of_phrase_is_read_as_a_clinician_reads_it(sentences_of: str) -> None:
    found = {}
    for sentence in gold("kinds.txt"):
        found[sentence.text] = wrong(sentence, flags_of(sentence, sentences_of))
    assert len(found) >= 700
    assert {text: terms for text, terms in found.items() if terms} == {}


def flags_of(sentence: Sentence, sentences_of: str) -> Sequence[frozenset[Flag]]:
    return RULES.flags(sentence, None if sentences_of == "our own" else sentencizer_starts(sentence.text))


LOOKS = {
    "no-break spaces": (("FAMILY HISTORY: No cancer. ", " ", "\u00a0"),),
    "typographic signs": (("", "'", "\u2019"), ("", " - ", " \u2013 ")),
}


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_another_look_of_the_same_signs_changes_no_flag(look: str) -> None:
    found = {}
    for sentence in gold("kinds.txt"):
        text = sentence.text
        for but, old, new in LOOKS[look]:
            text = text if but and text.startswith(but) else text.replace(old, new)
        other = sentence._replace(text=text)
        found[text] = wrong(other, RULES.flags(other))
    assert {text: terms for text, terms in found.items() if terms} == {}


@pytest.mark.parametrize("before", ["Denies everything, no.\n\n", "Seen today. ", "- ", "1. ", "Seen today.\r\n"])
def test_what_stands_before_a_sentence_changes_no_flag(before: str) -> None:
    found = {}
    for sentence in gold("kinds.txt"):
        terms = tuple(
            term._replace(span=(term.span[0] + len(before), term.span[1] + len(before))) for term in sentence.terms
        )
        other = Sentence(before + sentence.text, terms)
        found[other.text] = [] if "\n" in sentence.text else wrong(other, RULES.flags(other))
    assert {text: terms for text, terms in found.items() if terms} == {}


SHORTHAND = [*"-+()[]x?:.,\n☐ 0", "no", "yes", "ve", "ros", "fever"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SHORTHAND), max_size=14), st.integers(0, 40))
def test_shorthand_of_any_kind_is_read_without_an_error(pieces: list[str], at: int) -> None:
    text = "".join(pieces) + "fever"
    at = min(at, len(text) - 1)
    RULES.flags(Sentence(text, (Term((at, min(len(text), at + 5)), frozenset(), frozenset()),)))


@pytest.mark.parametrize("sentences_of", ["our own", "a sentencizer"])
@pytest.mark.parametrize("name", ["gold.txt", "second.txt"])
def test_on_sentences_that_were_marked_before_nineteen_of_twenty_are_right(name: str, sentences_of: str) -> None:
    """The kept half of the gold, for which no rule was changed; for the second batch rules were mended by kind."""
    kept = [sentence for sentence in gold(name) if sentence.kept or name == "second.txt"]
    flags = {sentence.text: flags_of(sentence, sentences_of) for sentence in kept}
    found = agreement(kept, lambda sentence: flags[sentence.text])
    assert all(min(found[flag].precision, found[flag].recall) >= 0.95 for flag in FLAGS), found
    assert sum(not wrong(sentence, flags[sentence.text]) for sentence in kept) >= 0.95 * len(kept)


@pytest.mark.parametrize("name", ["third.txt", "fourth.txt"])
def test_on_later_batches_nine_of_ten_are_right(name: str) -> None:
    """Marked before anything was mended for them. Of a hundred 89 were right at first, of the last
    sixty 53 when the others were."""
    sentences = gold(name)
    found = agreement(sentences, RULES.flags)
    assert all(min(found[flag].precision, found[flag].recall) >= 0.9 for flag in ("negated", "uncertain")), found
    assert sum(not wrong(sentence, RULES.flags(sentence)) for sentence in sentences) >= 0.9 * len(sentences)


def test_both_halves_of_the_gold_have_about_two_hundred_sentences() -> None:
    sentences = gold("gold.txt")
    assert len(sentences) >= 400
    assert abs(2 * sum(sentence.kept for sentence in sentences) - len(sentences)) < 40
