"""From a label a token to spans of characters, as transformers' `TokenClassificationPipeline` makes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.text_models.tokenized import TokenizedText, Tokens

OUTSIDE = "O"

Tagged = tuple[NDArray[Any], NDArray[Any]]
"""For each token of a text the number of its most probable label, and that probability."""

Entity = dict[str, Any]


def entities_of(note: TokenizedText, windows: Sequence[Tagged], labels: Sequence[str], merge: str) -> list[Entity]:
    """The note's spans, by `start`. `windows` has the tokens of its windows without the special ones.

    `merge` as in `workers.text_models.token_windows.EntityWindows`.
    """
    assert note.offsets is not None
    if merge == "context" or len(windows) == 1:
        numbers, scores = _by_context(note, windows)
        return _spans(numbers, scores, note.offsets, labels)
    found = []
    for tagged, start, count in zip(windows, note.starts, note.counts, strict=True):
        found += _spans(*tagged, note.offsets[start : start + count], labels)
    return _longest(found)


def _by_context(note: TokenizedText, windows: Sequence[Tagged]) -> Tagged:
    """Each token from the window that shows most on both its sides."""
    of = windows_by_context(note.starts, note.counts)
    numbers, scores = np.zeros(len(of), np.int64), np.zeros(len(of), np.float32)
    for window, (tagged, start, count) in enumerate(zip(windows, note.starts, note.counts, strict=True)):
        part = slice(start, start + count)
        mine = of[part] == window
        numbers[part][mine] = tagged[0][mine]
        scores[part][mine] = tagged[1][mine]
    return numbers, scores


def windows_by_context(starts: Sequence[int], counts: Sequence[int]) -> NDArray[np.int64]:
    """For each token of a text the window in which the nearer cut is farthest away; the text's own ends are no cuts.

    Each window has `counts` tokens of the text, the first of them at `starts`.
    """
    total = max(start + count for start, count in zip(starts, counts, strict=True))
    best, of = np.full(total, -1, np.int64), np.zeros(total, np.int64)
    for window, (start, count) in enumerate(zip(starts, counts, strict=True)):
        place = np.arange(count)
        left = place if start else np.full(count, total)
        right = count - 1 - place if start + count < total else np.full(count, total)
        context = np.minimum(left, right)
        part = slice(start, start + count)
        better = context > best[part]
        best[part][better] = context[better]
        of[part][better] = window
    return of


def _spans(numbers: NDArray[Any], scores: NDArray[Any], offsets: Tokens, labels: Sequence[str]) -> list[Entity]:
    """Runs of tokens of one entity. A `B-` begins a new one; a label without prefix goes on like an `I-`."""
    found: list[Entity] = []
    first = 0
    for i in range(1, len(numbers) + 1):
        if i < len(numbers) and _goes_on(labels[numbers[i - 1]], labels[numbers[i]]):
            continue
        label = labels[numbers[first]].split("-", 1)[-1]
        if label != OUTSIDE:
            score = float(np.mean(scores[first:i], dtype=np.float64))
            start, end = int(offsets[first, 0]), int(offsets[i - 1, 1])
            found.append({"start": start, "end": end, "label": label, "score": score})
        first = i
    return found


def _goes_on(before: str, label: str) -> bool:
    return not label.startswith("B-") and _tag(label) == _tag(before)


def _tag(label: str) -> str:
    return label[2:] if label.startswith(("B-", "I-")) else label


def _longest(entities: list[Entity]) -> list[Entity]:
    """The entities without overlaps: the longer span stays, then the more probable one."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: entity["start"]):
        before = kept[-1] if kept else None
        if before is None or not before["start"] <= entity["start"] < before["end"]:
            kept.append(entity)
        elif _rank(entity) > _rank(before):
            kept[-1] = entity
    return kept


def _rank(entity: Entity) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]
