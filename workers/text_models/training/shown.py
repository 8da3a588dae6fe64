"""Texts as a training of transformers' models keeps them: token numbers as `predict` would give them to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.outputs import OutputField
from workers.text_models.token_windows import COUNTS
from workers.text_models.tokenized import TokenizedText, Tokens, count_columns

SHOWN = (
    OutputField(
        name="tokens", type="list<int32>", meaning="token numbers of all windows end to end, special ones among them"
    ),
    OutputField(name="lengths", type="list<int32>", meaning="tokens of each window"),
    *COUNTS,
)
"""What a training keeps of each text."""


class TokenRows:
    """Implements `workers.contract.Scorer`: a row a text."""

    outputs: tuple[OutputField, ...] = SHOWN

    def score(self, values: Sequence[TokenizedText]) -> Mapping[str, Any]:
        """The columns of `SHOWN`."""
        return {
            "tokens": [np.concatenate(text.windows) for text in values],
            "lengths": [[len(window) for window in text.windows] for text in values],
            **count_columns(values),
        }


@dataclass(frozen=True)
class Ragged:
    """Lists of numbers, of which `take(n)` is the n-th; 4 bytes a number."""

    values: Tokens
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Ragged:
        """From a column of lists."""
        lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
        values = pc.list_flatten(column).to_numpy().astype(np.int32, copy=False)
        return cls(values, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.offsets) - 1

    def take(self, place: int) -> Tokens:
        """One of them."""
        return self.values[self.offsets[place] : self.offsets[place + 1]]


class HeldTexts:
    """Tokens of many texts."""

    def __init__(self, rows: pa.Table) -> None:
        self._tokens, self._lengths = Ragged.of(rows["tokens"]), Ragged.of(rows["lengths"])
        self.truncated: NDArray[np.bool_] = rows["truncated"].to_numpy()

    def __len__(self) -> int:
        """Number of texts."""
        return len(self._tokens)

    def windows(self, text: int) -> list[Tokens]:
        """Token numbers of each window of a text."""
        return np.split(self._tokens.take(text), np.cumsum(self._lengths.take(text))[:-1])
