"""The vocabulary of a training: words by how many subjects have them, in the notes that are learned from alone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.errors import SpecError
from workers.ehr.notes.training.settings import WordVocabulary
from workers.ehr.notes.training.vocabulary import fit_vocabulary
from workers.ehr.notes.training.words import HeldNotes
from workers.training.held import HeldExamples

NOTES = [
    ("a", ["cough", "meier", "fever"]),
    ("a", ["cough", "meier", "meier"]),
    ("b", ["cough", "rest"]),
    (None, ["rest", "fever"]),
    (None, ["fever", "sleep"]),
    ("c", ["held", "out", "cough"]),
]


def examples() -> HeldExamples[HeldNotes]:
    table = pa.table(
        {
            "words": pa.chunked_array([[words for _, words in NOTES[:2]], [words for _, words in NOTES[2:]]]),
            "n_tokens": pa.array([3, 9, 2, 2, 2, 3], pa.int32()),
            "record_id": [f"n{number}" for number in range(len(NOTES))],
            "subject_id": pa.array([subject for subject, _ in NOTES], pa.string()),
        }
    )
    held = HeldNotes.of_rows(table)
    assert held.cut.tolist() == [False, True, False, False, False, False]
    return HeldExamples(held, len(held))


def test_a_subject_counts_once_and_a_note_of_nobody_by_itself() -> None:
    assert fit_vocabulary(examples()[:5], WordVocabulary(min_subjects=2)) == ["fever", "cough", "rest"]


def test_words_of_notes_that_are_not_learned_from_are_not_in_it() -> None:
    words = fit_vocabulary(examples()[:5], WordVocabulary(min_subjects=1))
    assert set(words) == {"cough", "meier", "fever", "rest", "sleep"}
    assert fit_vocabulary(examples()[:5], WordVocabulary(min_subjects=1, max_words=2)) == ["fever", "cough"]


def test_no_word_at_all_is_an_error_that_says_what_to_change() -> None:
    with pytest.raises(SpecError, match="no word occurs in notes of 4 training subjects: lower it"):
        fit_vocabulary(examples()[:5], WordVocabulary(min_subjects=4))
