"""How a note that is longer than the model's input is cut into windows, and how their scores become the note's.

Windows are cut by tokens and overlap by `stride` tokens, as transformers' tokenizers cut with
`return_overflowing_tokens`. Nothing is left out unless `max_windows` says so, and then the row's `truncated` is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from schemas.errors import SpecError
from schemas.frozen import Frozen
from schemas.outputs import OutputField

STEP = "windows"
"""Name of the prepare step."""

COUNTS: tuple[OutputField, ...] = (
    OutputField(name="n_tokens", type="int32", meaning="tokens of the note, without special ones", over_frames="sum"),
    OutputField(name="n_windows", type="int32", meaning="windows of it that the model saw", over_frames="sum"),
    OutputField(
        name="truncated", type="bool", meaning="whether max_windows left some of the note out", over_frames="max"
    ),
)


class Windows(Frozen):
    """`window` counts the special tokens in (None: as many as the model takes), `stride` the tokens shared by
    neighbours. `max_windows` bounds the work for one note; those at the side that the tokenizer keeps are kept.
    """

    default_stride: ClassVar[float] = 0.0
    """The part of a window that neighbours share, where the model directory names no stride."""

    window: int | None = Field(
        default=None,
        ge=4,
        le=1_000_000,
        description="tokens of a window, special ones among them; by default as many as the model takes",
    )
    stride: int | None = Field(default=None, ge=0, description="tokens that neighbouring windows share")
    max_windows: int | None = Field(
        default=None,
        ge=1,
        description="windows of a note that are scored at most; those at the side that the tokenizer keeps",
    )

    def resolved(self, longest: int, special: int) -> Windows:
        """The same with every setting written out, for a model of at most `longest` tokens, `special` of them its own.

        Raises SpecError where they do not fit together.
        """
        window = self.window or longest
        room = window - special
        stride = int(room * self.default_stride) if self.stride is None else self.stride
        if window > longest:
            raise SpecError(f"{STEP}.window is {window}, the model takes at most {longest} tokens")
        if room < 1 or stride >= room:
            raise SpecError(f"{STEP}.stride is {stride}, must be less than the {room} tokens of text in a window")
        return self.model_copy(update={"window": window, "stride": stride})


W = TypeVar("W", bound=Windows)


class ScoreWindows(Windows):
    """How the probabilities of a classifier's windows become the note's, label by label.

    `clinicalbert` is (max + mean * n / c) / (1 + n / c) over n windows (Huang et al., "ClinicalBERT", 2019; c = 2).
    """

    aggregation: Literal["mean", "max", "clinicalbert"] = Field(
        default="mean", description="how the probabilities of a note's windows become the note's"
    )
    c: float = Field(default=2.0, gt=0, description="with aggregation: clinicalbert, the constant c of the paper")


class EntityWindows(Windows):
    """How the windows of a token classifier become a note's entities.

    `context`: each token is taken from the window that shows most on both its sides. `longest`: of two entities that
    overlap the longer stays, then the higher score, as transformers' pipeline does with `stride`.
    """

    default_stride: ClassVar[float] = 0.25

    merge: Literal["context", "longest"] = Field(
        default="context",
        description="which of two windows an entity is taken from: with more context, or the longer entity",
    )


def given(steps: Sequence[BaseModel], kind: type[W]) -> W | None:
    """The step of this kind. Raises SpecError if there are two."""
    found = [step for step in steps if isinstance(step, kind)]
    if len(found) > 1:
        raise SpecError(f"prepare: {STEP!r} stands there twice")
    return found[0] if found else None


def window_starts(counts: Sequence[int], n_tokens: int, stride: int, side: str) -> list[int]:
    """For each window of so many tokens the number of its first token in the note; cut from the left they run
    backwards. `side` is the one that the tokenizer truncates.
    """
    step = max(counts[0] - stride, 1)
    if side == "right":
        return [step * i for i in range(len(counts))]
    return [n_tokens - step * i - count for i, count in enumerate(counts)]


def over_windows(scores: NDArray[Any], counts: Sequence[int], how: ScoreWindows) -> NDArray[np.float32]:
    """(windows, labels) probabilities of notes with so many windows each, to (notes, labels)."""
    sizes = np.asarray(counts)
    if (sizes == 1).all():
        return scores.astype(np.float32, copy=False)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    wide = scores.astype(np.float64)
    highest = np.maximum.reduceat(wide, starts)
    n = sizes[:, None]
    mean = np.add.reduceat(wide, starts) / n
    note = {
        "max": highest,
        "mean": mean,
        "clinicalbert": np.where(n == 1, highest, (highest + mean * n / how.c) / (1 + n / how.c)),
    }[how.aggregation]
    return np.asarray(note, np.float32)
