"""Notes as a training of a network over words keeps them: cut and shortened as `predict` does it, before any
vocabulary is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.ehr.notes.formats.word_tokens import KeptWords
from workers.text_models.tokenized import Tokens

SHOWN = (
    OutputField(name="words", type="list<string>", meaning="words of the note that are kept, in their order"),
    OutputField(name="n_tokens", type="int32", meaning="words of the note"),
)
"""What a training keeps of each note."""


class WordRows:
    """Implements `workers.contract.Scorer`: a row a note."""

    outputs: tuple[OutputField, ...] = SHOWN

    def score(self, values: Sequence[KeptWords]) -> Mapping[str, Any]:
        """The columns of `SHOWN`."""
        return {
            "words": [list(note.words) for note in values],
            "n_tokens": np.array([note.n_tokens for note in values], np.int32),
        }


@dataclass(frozen=True)
class HeldNotes:
    """Words of many notes as numbers: 4 bytes a word. Note `n` has those from `offsets[n]` to `offsets[n + 1]`."""

    names: Sequence[str]
    """(different words,)"""
    word: Tokens
    offsets: NDArray[np.int64]
    cut: NDArray[np.bool_]
    """(notes,) whether a note has more words than are kept"""
    subject: NDArray[np.int64]
    """(notes,) a number a subject; who is nobody's stands alone"""

    @classmethod
    def of_rows(cls, rows: pa.Table) -> HeldNotes:
        """From the columns of `SHOWN`, `subject_id` and `record_id`."""
        lengths = pc.list_value_length(rows["words"]).to_numpy().astype(np.int64)
        encoded = pc.list_flatten(rows["words"]).dictionary_encode().unify_dictionaries()
        numbers = [part.indices.to_numpy() for part in encoded.chunks]
        whose = pc.coalesce(rows["subject_id"], pc.binary_join_element_wise("record", rows["record_id"], " "))
        subjects = whose.dictionary_encode().unify_dictionaries()
        return cls(
            encoded.chunk(0).dictionary.to_pylist(),
            np.concatenate(numbers).astype(np.int32),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            rows["n_tokens"].to_numpy() > lengths,
            np.concatenate([part.indices.to_numpy() for part in subjects.chunks]).astype(np.int64),
        )

    def __len__(self) -> int:
        """Number of notes."""
        return len(self.offsets) - 1

    def words_of(self, note: int) -> Tokens:
        """Places in `names` of the words of a note."""
        return self.word[self.offsets[note] : self.offsets[note + 1]]
