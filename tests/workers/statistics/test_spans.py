"""Spans counted against those that are true."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from workers.statistics.spans import FIGURES, Span, SpanCounts, span_counts

DRUG, DATE = "DRUG", "DATE"


def test_a_span_is_right_with_its_start_its_end_and_its_label() -> None:
    true = [(0, 4, DRUG), (10, 20, DRUG), (30, 40, DATE)]
    said = [(0, 4, DRUG), (10, 19, DRUG), (30, 40, DRUG), (50, 60, DATE)]
    found = span_counts(said, true)
    assert found[DRUG] == SpanCounts(predicted=3, true=2, exact=1, predicted_near=2, true_near=2)
    assert found[DATE] == SpanCounts(predicted=1, true=1, exact=0, predicted_near=0, true_near=0)


def test_a_true_span_is_found_once_only() -> None:
    found = span_counts([(0, 4, DRUG), (0, 4, DRUG)], [(0, 4, DRUG)])[DRUG]
    assert (found.exact, found.predicted) == (1, 2)


def test_spans_that_touch_do_not_overlap() -> None:
    assert span_counts([(0, 4, DRUG)], [(4, 8, DRUG)])[DRUG].predicted_near == 0


def test_figures_are_those_of_the_counts() -> None:
    counts = asdict(SpanCounts(predicted=8, true=10, exact=4, predicted_near=6, true_near=7))
    found = {name: figure(counts) for name, figure in FIGURES.items()}
    assert found["entity_precision"] == 0.5
    assert found["entity_recall"] == pytest.approx(0.4)
    assert found["entity_f1"] == pytest.approx(2 * 4 / 18)
    assert (found["overlap_precision"], found["overlap_recall"]) == (0.75, 0.7)
    assert found["overlap_f1"] == pytest.approx(2 * 0.75 * 0.7 / 1.45)


def test_what_there_is_none_of_has_no_figure() -> None:
    nothing, only_true = asdict(SpanCounts()), asdict(SpanCounts(true=3))
    assert {figure(nothing) for figure in FIGURES.values()} == {None}
    assert FIGURES["entity_precision"](only_true) is None
    assert FIGURES["entity_recall"](only_true) == 0
    assert FIGURES["entity_f1"](only_true) == 0


def _random(generator: np.random.Generator) -> list[Span]:
    starts = generator.integers(0, 30, generator.integers(0, 8))
    lengths = generator.integers(1, 6, len(starts))
    labels = generator.choice([DRUG, DATE], len(starts))
    return sorted({(int(a), int(a + n), str(x)) for a, n, x in zip(starts, lengths, labels, strict=True)})


@pytest.mark.parametrize("seed", range(50))
def test_counts_are_those_of_sets_of_characters(seed: int) -> None:
    generator = np.random.default_rng(seed)
    said, true = _random(generator), _random(generator)
    for label, found in span_counts(said, true).items():
        mine, theirs = ({span for span in spans if span[2] == label} for spans in (said, true))
        assert found.exact == len(mine & theirs)
        inside = {place for start, end, _ in theirs for place in range(start, end)}
        assert found.predicted_near == sum(bool(inside & set(range(start, end))) for start, end, _ in mine)
