"""Labelled spans of a text held against those that are true."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

Span = tuple[int, int, str]
"""Start, end (exclusive), label."""


@dataclass(frozen=True)
class SpanCounts:
    """Spans of one label: how many were `predicted`, how many are `true`, how many are in both with the same start and
    end (`exact`); predicted ones that overlap a true one, and true ones that a predicted one overlaps."""

    predicted: int = 0
    true: int = 0
    exact: int = 0
    predicted_near: int = 0
    true_near: int = 0


FIELDS = tuple(field.name for field in fields(SpanCounts))


def span_counts(predicted: Sequence[Span], true: Sequence[Span]) -> dict[str, SpanCounts]:
    """By label. A span that is there twice counts twice, and a true one is found once only."""
    both = Counter(predicted) & Counter(true)
    found = {}
    for label in sorted({label for *_, label in (*predicted, *true)}):
        said, there = _of(label, predicted), _of(label, true)
        found[label] = SpanCounts(
            predicted=len(said),
            true=len(there),
            exact=sum(count for (*_, one), count in both.items() if one == label),
            predicted_near=sum(any(_overlap(one, other) for other in there) for one in said),
            true_near=sum(any(_overlap(one, other) for other in said) for one in there),
        )
    return found


def _of(label: str, spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if span[2] == label]


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def _f1(right: float, found: float, of: "Counts") -> float | None:
    """Harmonic mean of precision and recall: 0 where nothing is right, None where there is nothing at all."""
    precision, recall = _ratio(right, of["predicted"]), _ratio(found, of["true"])
    if precision is None and recall is None:
        return None
    return 2 / (1 / precision + 1 / recall) if precision and recall else 0.0


Counts = Mapping[str, float]
FIGURES: Mapping[str, Callable[[Counts], float | None]] = {
    "entity_precision": lambda of: _ratio(of["exact"], of["predicted"]),
    "entity_recall": lambda of: _ratio(of["exact"], of["true"]),
    "entity_f1": lambda of: _f1(of["exact"], of["exact"], of),
    "overlap_precision": lambda of: _ratio(of["predicted_near"], of["predicted"]),
    "overlap_recall": lambda of: _ratio(of["true_near"], of["true"]),
    "overlap_f1": lambda of: _f1(of["predicted_near"], of["true_near"], of),
}
"""Each takes counts by the names of `SpanCounts`, which may be sums over rows with weights."""
