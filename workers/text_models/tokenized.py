"""What a tokenizer hands to a model: one text, such as a note or a SMILES, as windows of token numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]
Gives = Literal["texts", "tokens", "states"]
"""What is asked of a model: one row of logits a text, one a token, or the last hidden state of each token."""


@dataclass(frozen=True)
class TokenizedText:
    """One text, never without a window.

    Each of `windows` holds token numbers with special tokens at its ends. Its text starts `lead` tokens in, at token
    `starts[w]` of the text that the windows cover together, and is `counts[w]` tokens long. `offsets` are the
    characters (first, behind last) of each covered token, where the model needs them.
    """

    windows: tuple[Tokens, ...]
    starts: tuple[int, ...]
    counts: tuple[int, ...]
    lead: int
    n_tokens: int
    truncated: bool
    offsets: Tokens | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it holds, about."""
        arrays = sum(window.nbytes + 200 for window in self.windows)
        return arrays + (self.offsets.nbytes if self.offsets is not None else 0)


def count_columns(texts: Sequence[TokenizedText]) -> Mapping[str, Any]:
    """The columns `workers.text_models.token_windows.COUNTS`."""
    return {
        "n_tokens": np.array([text.n_tokens for text in texts], np.int32),
        "n_windows": np.array([len(text.windows) for text in texts], np.int32),
        "truncated": np.array([text.truncated for text in texts], np.bool_),
    }
