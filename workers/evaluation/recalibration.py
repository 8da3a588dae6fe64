"""Calibration fitted on the tuning rows of an evaluation, and what it changes on its test rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from schemas.errors import SpecError
from workers.calibration.class_maps import ClassCalibration
from workers.calibration.columns import NONE, OWN, POOLED
from workers.calibration.document import FILE, Calibration, OutputCalibration
from workers.calibration.fit import fit_map, mapped
from workers.calibration.maps import Map
from workers.evaluation.binary import calibration_figures, scored
from workers.evaluation.class_recalibration import ClassRecalibration, FittedClasses
from workers.evaluation.columns import CALIBRATED_BY
from workers.evaluation.figure import Figure
from workers.evaluation.settings import Calibrate, EvaluateInput
from workers.evaluation.tally import Tally
from workers.pipeline.kinds import SideObject
from workers.statistics.ranks import Ranks, merge, rank

CALIBRATED = "calibrated"
"""What a figure of calibrated scores has as its `point`."""
_Tallies = dict[str | None, Tally]
"""By value of `calibration.by`; all rows under None where there is no such column."""


@dataclass(frozen=True)
class Fitted:
    """The calibration of one outcome; `after` are its test rows under calibrated scores, `through` how many rows went
    through which map, and `without` the number of values among the tuning rows that have no map of their own."""

    how: OutputCalibration
    after: Ranks
    through: Mapping[str, int]
    without: int

    def figures(self, level: float) -> list[Figure]:
        """The figures of calibration after it."""
        return calibration_figures(self.after, level, CALIBRATED)

    def told(self) -> dict[str, Any]:
        """For `metrics.json`: what was fitted, and what the test rows went through."""
        return {
            "method": self.how.map.method,
            "by": self.how.by or None,
            "unseen": self.how.unseen,
            "fitted_on": {"part": "tuning", "rows": self.how.rows, "positives": self.how.positives},
            "maps": 1 + len(self.how.values),
            "values_without_map": self.without,
            "test_rows": dict(self.through),
        }


@dataclass
class Recalibration:
    """Adds up the rows of one outcome by value of `calibration.by`."""

    outcome: str
    source: EvaluateInput
    settings: Calibrate
    tuning: _Tallies = field(default_factory=dict)
    test: _Tallies = field(default_factory=dict)

    def add(self, tuned: pl.DataFrame, tested: pl.DataFrame) -> None:
        """Joined rows of the tuning part and of the test part that have a score and a truth."""
        for rows, tallies in ((tuned, self.tuning), (tested, self.test)):
            for value, part in self._by_value(rows):
                if value not in tallies:
                    tallies[value] = Tally(self.source.exact_rows)
                tallies[value].add(scored(part, self.outcome))

    def _by_value(self, rows: pl.DataFrame) -> Iterator[tuple[str | None, pl.DataFrame]]:
        if not self.settings.by:
            yield None, rows
            return
        for (value,), part in rows.group_by(CALIBRATED_BY, maintain_order=True):
            yield None if value is None else str(value), part

    def fitted(self) -> Fitted:
        """Raises SpecError, saying why, where the tuning rows carry no such map."""
        ranks = {value: tally.ranks() for value, tally in self.tuning.items()}
        whole = merge(list(ranks.values())) if ranks else rank([], [])
        try:
            pooled = self._map(whole)
        except ValueError as error:
            raise SpecError(
                f"input.calibration: outcome {self.outcome}, tuning rows: {error}; or correct input.tuning"
            ) from None
        values = dict(self._own(ranks)) if self.settings.by else {}
        how = OutputCalibration(
            map=pooled,
            by=self.settings.by,
            values=values,
            unseen=self.settings.unseen,
            rows=int(whole.rows),
            positives=int(whole.total_positives),
        )
        return self._applied(how, len(ranks) - len(values) if self.settings.by else 0)

    def _map(self, ranks: Ranks) -> Map:
        assert self.settings.method != "vector"
        return fit_map(self.settings.method, ranks, self.source.outcomes[self.outcome].probability)

    def _own(self, ranks: Mapping[str | None, Ranks]) -> Iterator[tuple[str, Map]]:
        # A map tells of the rows that it was fitted on, as a figure does.
        least = max(self.settings.least, self.source.suppress_below)
        for value in sorted(value for value in ranks if value is not None):
            here = ranks[value]
            if min(here.total_positives, here.total_negatives) < least:
                continue
            try:
                yield value, self._map(here)
            except ValueError:
                # Counted among the values without a map: separated classes, or scores that are the wrong way round.
                continue

    def _applied(self, how: OutputCalibration, without: int) -> Fitted:
        through = {OWN: 0, POOLED: 0, NONE: 0} if how.by else {POOLED: 0}
        parts = [rank([], [])]
        for value, tally in self.test.items():
            own = how.values.get(value or "") if value is not None else None
            what = OWN if own is not None else (NONE if how.by and how.unseen == "null" else POOLED)
            through[what] += tally.rows
            if what != NONE:
                parts.append(mapped(tally.ranks(), own or how.map))
        return Fitted(how, merge(parts), through, without)


def open_recalibration(outcome: str, source: EvaluateInput) -> Recalibration | ClassRecalibration:
    """What adds up the rows of a calibrated outcome."""
    asked = source.calibration
    assert asked is not None
    if source.outcomes[outcome].task == "classes":
        return ClassRecalibration(outcome, source, "vector" if asked.method == "vector" else "temperature")
    return Recalibration(outcome, source, asked)


def calibrated_figures(one: Fitted | FittedClasses, level: float) -> list[Figure]:
    """The figures of calibrated scores; of classes those of raw ones beside them."""
    return list(one.figures(CALIBRATED) if isinstance(one, FittedClasses) else one.figures(level))


def calibration_files(
    fitted: Mapping[str, Fitted | FittedClasses], scores: Mapping[str, Mapping[str, Any]], fingerprint: str
) -> Iterator[SideObject]:
    """A file for each model: `calibration.json`, or with several models `calibration-<model>.json`. `scores` tells the
    model, outputs and digest of each outcome's scores."""
    models = sorted({scores[outcome]["model"] for outcome in fitted})
    for model in models:
        named = {outcome: one for outcome, one in fitted.items() if scores[outcome]["model"] == model}
        document = Calibration(
            outputs={scores[name]["outputs"][0]: one.how for name, one in named.items() if isinstance(one, Fitted)},
            classes=tuple(
                ClassCalibration(outputs=tuple(scores[name]["outputs"]), map=one.map, rows=one.rows)
                for name, one in named.items()
                if isinstance(one, FittedClasses)
            ),
            model=scores[next(iter(named))]["digest"],
            fingerprint=fingerprint,
        )
        yield SideObject(FILE if len(models) == 1 else f"calibration-{model}.json", document.encode())
