"""`vocabulary.txt` of a model from the notes that it is trained on, and from no others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SpecError
from workers.ehr.notes.training.settings import WordVocabulary
from workers.ehr.notes.training.words import HeldNotes
from workers.training.held import Held, together


def fit_vocabulary(examples: Sequence[Held[HeldNotes]], settings: WordVocabulary) -> list[str]:
    """Words by how many subjects have them in their notes, most first; those of equally many in the order of their
    letters. Raises SpecError where no word is left."""
    held, notes = together(examples)
    counts = _subjects_by_word(held, notes)
    kept = np.flatnonzero(counts >= settings.min_subjects)
    found = sorted(kept.tolist(), key=lambda word: (-counts[word], held.names[word]))[: settings.max_words]
    if not found:
        raise SpecError(
            f"vocabulary.min_subjects: no word occurs in notes of {settings.min_subjects} training subjects: lower it"
        )
    return [held.names[word] for word in found]


def _subjects_by_word(held: HeldNotes, notes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(different words,) of how many subjects; one with many notes counts once."""
    counts = np.zeros(len(held.names), np.int64)
    order = notes[np.argsort(held.subject[notes], kind="stable")]
    borders = np.flatnonzero(np.diff(held.subject[order])) + 1
    for of_one in np.split(order, borders):
        counts[np.unique(np.concatenate([held.words_of(note) for note in of_one]))] += 1
    return counts
