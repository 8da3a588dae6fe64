"""Words of a text, marks among them, and the forms of phrases: what the rules of language are made of."""

import pytest

from schemas.errors import SpecError
from workers.ehr.language.marks import with_marks
from workers.ehr.language.phrases import forms
from workers.ehr.language.words import plain, word_texts, words_of


def texts(text: str) -> list[str]:
    return [word.text for word in words_of(text)]


def test_words_are_lower_case_and_signs_words_of_their_own_at_their_place() -> None:
    text = "Pt's BP: 120/80 –stable"
    assert texts(text) == ["pt's", "bp", ":", "120", "/", "80", "—", "stable"]
    assert [text[word.start : word.end] for word in words_of(text)][:2] == ["Pt's", "BP"]


def test_a_stretch_is_read_alone_with_the_offsets_of_the_whole() -> None:
    text = "no fever. cough"
    (word,) = words_of(text, 3, 8)
    assert (word.text, word.start, word.end) == ("fever", 3, 8)


def test_apostrophes_and_dashes_are_written_in_one_way() -> None:
    assert plain("Patient’s") == "patient's"
    assert word_texts("non‑smoker − x") == word_texts("non-smoker - x")


def test_a_word_ends_its_line_where_full_stops_alone_follow() -> None:
    ends = {word.text: word.ends_line for word in words_of("no fever.\nsome cough today")}
    assert (ends["fever"], ends["no"], ends["today"], ends["cough"]) == (True, False, True, False)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("(-) fever", "<absent:>"), ("(+) fever", "<present:>"), ("[ ] cough", "<empty:>"), ("[x] cough", "<ticked:>")],
)
def test_a_mark_is_one_word_by_what_it_says_and_the_side_it_speaks_to(text: str, mark: str) -> None:
    words = with_marks(words_of(text))
    assert [word.text for word in words] == [mark, text.split()[-1]]
    assert (words[0].start, words[0].end) == (0, 3)


def test_a_hyphen_that_stands_alone_is_a_dash_and_one_inside_a_word_is_not() -> None:
    assert "—" in [word.text for word in with_marks(words_of("pain - mild"))]
    assert "—" not in [word.text for word in with_marks(words_of("well-known pain"))]


def test_a_phrase_has_a_form_for_each_choice() -> None:
    assert set(forms("{no|denies any} fever", {})) == {("no", "fever"), ("denies", "any", "fever")}
    assert set(forms("{old |}fracture", {})) == {("old", "fracture"), ("fracture",)}


def test_a_phrase_that_names_a_list_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match="nothing_known"):
        forms("no <nothing_known> here", {})
