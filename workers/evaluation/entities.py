"""Outcomes whose truth is labelled spans of a text: what each row's spans come to, and their figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from schemas.errors import SpecError
from workers.evaluation.columns import SUBJECT, score_column, spans_column, truth_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.settings import EvaluateInput, Outcome
from workers.evaluation.tally import numbered
from workers.statistics.bootstrap import bootstrap_all
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.ranks import Floats
from workers.statistics.spans import FIELDS, FIGURES, Span, span_counts

_DRAWN_ROWS = 50_000
"""Rows up to which persons are drawn for the intervals."""
_COUNTS = pl.List(pl.Struct({"label": pl.String, **dict.fromkeys(FIELDS, pl.Int64)}))


def with_spans(rows: pl.DataFrame, name: str, outcome: Outcome) -> pl.DataFrame:
    """The rows with their spans counted by label, and how many are predicted and true in place of score and truth.

    Raises SpecError, naming the row, where a column does not hold spans.
    """
    said = _parsed(rows[score_column(name)], f"outcomes.{name}.score")
    true = _parsed(rows[outcome.truth], f"outcomes.{name}.truth")
    counts = [
        None if one is None or other is None else [{"label": label, **asdict(of)} for label, of in counted]
        for one, other in zip(said, true, strict=True)
        for counted in [span_counts(one or [], other or []).items()]
    ]
    return rows.with_columns(
        pl.Series(spans_column(name), counts, _COUNTS),
        pl.Series(score_column(name), [None if one is None else float(len(one)) for one in said], pl.Float64),
        pl.Series(truth_column(name), [None if one is None else float(len(one)) for one in true], pl.Float64),
    )


def _parsed(column: pl.Series, where: str) -> list[list[Span] | None]:
    return [None if value is None else list(_spans(value, where, row)) for row, value in enumerate(column.to_list())]


def _spans(value: Any, where: str, row: int) -> Iterator[Span]:
    """Spans of a list of structs, or of the same as JSON text, where a span may be `[start, end, label]` too."""
    try:
        for one in json.loads(value) if isinstance(value, str) else value:
            start, end, label = (one[key] for key in ("start", "end", "label")) if isinstance(one, Mapping) else one
            if not (type(start) is int and type(end) is int and 0 <= start < end and isinstance(label, str)):
                raise ValueError
            yield start, end, label
    except (TypeError, ValueError, KeyError, RecursionError):
        raise SpecError(
            f"input.{where}: row {row + 1} of a shard does not hold spans: write a list of start, end (exclusive, in "
            'characters) and label, or JSON such as [[0, 9, "DRUG"]]'
        ) from None


class EntitySums:
    """Counts by label, row by row while rows are few enough to be drawn."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._outcome = outcome
        self._source = source
        self._rows = 0
        self._totals: dict[str, Floats] = {}
        self._kept: list[pl.DataFrame] = []

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Add these rows."""
        part = evaluated.select(SUBJECT, pl.col(spans_column(self._outcome)).alias("spans"))
        self._rows += part.height
        self._kept = [*self._kept, part] if self._rows <= _DRAWN_ROWS else []
        for cell in part["spans"].explode().drop_nulls().to_list():
            one = np.array([cell[field] for field in FIELDS], np.float64)
            self._totals[cell["label"]] = self._totals.get(cell["label"], np.zeros(len(FIELDS))) + one

    def figures(self, points: Mapping[str, float]) -> list[Figure]:
        """All labels together, then the mean of the labels, then each of them, whose name is the point."""
        return list(self._figures())

    def ranks(self) -> None:
        """Spans have no ranking."""
        return

    def _figures(self) -> Iterator[Figure]:
        labels = sorted(self._totals)
        yield count("rows", self._rows)
        for point, of in [("", sum(self._totals.values(), np.zeros(len(FIELDS)))), *sorted(self._totals.items())]:
            yield count("true_entities", of[FIELDS.index("true")], point)
            yield count("predicted_entities", of[FIELDS.index("predicted")], point)
        values = _values(np.array([self._totals[label] for label in labels]).reshape(len(labels), len(FIELDS)))
        names = [(name, point) for point in ("", "macro", *labels) for name in FIGURES]
        for (name, point), estimate in zip(names, self._estimates(labels, values), strict=True):
            yield Figure(f"macro_{name}" if point == "macro" else name, estimate, "" if point == "macro" else point)

    def _estimates(self, labels: Sequence[str], values: Sequence[float]) -> list[Estimate]:
        if not self._kept or not labels:
            note = f"no interval: more than {_DRAWN_ROWS:,} rows" if labels else ""
            return [_undefined() if np.isnan(one) else Estimate(one, note=note) for one in values]
        rows = pl.concat(self._kept)
        table = _table(rows["spans"].to_list(), labels)

        def drawn(weights: Floats) -> list[float]:
            return _values(np.tensordot(weights, table, 1))

        found = bootstrap_all(numbered(rows[SUBJECT]), drawn, draws=self._source.draws, level=self._source.level)
        return [_undefined() if one.value is None or np.isnan(one.value) else one for one in found]


def _undefined() -> Estimate:
    return undefined("no such spans")


def _table(rows: Sequence[Sequence[Mapping[str, Any]]], labels: Sequence[str]) -> Floats:
    """Counts of each row by label and field."""
    place = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(rows), len(labels), len(FIELDS)))
    for row, cells in enumerate(rows):
        for cell in cells:
            table[row, place[cell["label"]]] = [cell[field] for field in FIELDS]
    return table


def _values(counts: Floats) -> list[float]:
    """Figures of all labels together, their mean over labels, and those of each label; NaN for none. `counts` is
    (labels, fields)."""
    each = np.array([_of(one) for one in counts]).reshape(len(counts), len(FIGURES))
    known = ~np.isnan(each)
    mean = np.where(known.any(axis=0), np.nansum(each, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    return [*_of(counts.sum(axis=0)), *mean.tolist(), *each.ravel().tolist()]


def _of(counts: Floats) -> list[float]:
    named = dict(zip(FIELDS, counts.tolist(), strict=True))
    return [np.nan if (value := figure(named)) is None else value for figure in FIGURES.values()]
