"""How far a binary outcome's figures differ between the groups of one partition of the rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.evaluation.figure import Figure
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.tally import Table, Tally
from workers.statistics.bootstrap import bootstrap_all
from workers.statistics.confusion import Confusion, confusion_at
from workers.statistics.discrimination import auroc
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.gaps import area_gap, proportion_gap, spread
from workers.statistics.ranks import Floats, Ranks, rank

_DRAWN_ROWS = 50_000
"""Rows up to which persons are drawn."""
_ALONE = "interval of rows that stand alone, too narrow where persons have several"

Part = Callable[[Confusion], tuple[float, float]]
_SHARES: Mapping[str, Part] = {
    "sensitivity": lambda cells: (cells.true_positives, cells.positives),
    "specificity": lambda cells: (cells.true_negatives, cells.negatives),
    "ppv": lambda cells: (cells.true_positives, cells.flagged),
    "npv": lambda cells: (cells.true_negatives, cells.rows - cells.flagged),
    "accuracy": lambda cells: (cells.true_positives + cells.true_negatives, cells.rows),
    "flagged": lambda cells: (cells.flagged, cells.rows),
}
"""Proportions of the four counts: how many of how many."""
_SPREADS = {
    "equal_opportunity_difference": ("sensitivity",),
    "equalised_odds_difference": ("sensitivity", "specificity"),
    "demographic_parity_difference": ("flagged",),
}
"""Figures whose largest difference between groups each is; of several the larger."""


@dataclass(frozen=True)
class Fairness:
    """The groups of one partition that are shown, with the rows of each; two at least."""

    tallies: Mapping[str, Tally]
    source: EvaluateInput

    @property
    def reference(self) -> str:
        """The group with most rows, by which the others are measured; of equal ones the first by name."""
        return min(self.tallies, key=lambda name: (-self.tallies[name].rows, name))

    def figures(self, points: Mapping[str, float], *, areas: bool = True) -> Iterator[tuple[str, Figure]]:
        """Each with the group that it is of: a gap is that group less the reference. An empty one: over all groups.
        `areas`: whether gaps between areas are among them."""
        ranks = {name: tally.ranks() for name, tally in self.tallies.items()}
        told = {**self._gaps(ranks, points), **self._spreads(ranks, points)}
        told |= self._drawn(told, points)
        for (group, name, point), estimate in told.items():
            if areas or name != "auroc_gap":
                yield group, Figure(name, estimate, point)

    def _gaps(self, ranks: Mapping[str, Ranks], points: Mapping[str, float]) -> dict[tuple[str, str, str], Estimate]:
        reference, level = self.reference, self.source.level
        found: dict[tuple[str, str, str], Estimate] = {}
        for group in ranks:
            if group == reference:
                continue
            found[group, "auroc_gap", ""] = area_gap(ranks[group], ranks[reference], level)
            for point, threshold in points.items():
                cells = [confusion_at(ranks[name], threshold) for name in (group, reference)]
                for name, part in _SHARES.items():
                    found[group, f"{name}_gap", point] = proportion_gap(part(cells[0]), part(cells[1]), level)
        return found

    def _spreads(self, ranks: Mapping[str, Ranks], points: Mapping[str, float]) -> dict[tuple[str, str, str], Estimate]:
        """Without intervals: the largest of several differences has no formula for one."""
        found: dict[tuple[str, str, str], Estimate] = {}
        for point, threshold in points.items():
            cells = [confusion_at(one, threshold) for one in ranks.values()]
            for name, value in _spread_values(cells).items():
                found["", name, point] = (
                    undefined("fewer than two groups have such rows") if value is None else Estimate(value)
                )
        return found

    def _drawn(
        self, told: Mapping[tuple[str, str, str], Estimate], points: Mapping[str, float]
    ) -> dict[tuple[str, str, str], Estimate]:
        """Intervals over persons: of spreads always, of gaps where persons have several rows."""
        few = sum(tally.rows for tally in self.tallies.values()) <= _DRAWN_ROWS
        if not few or not all(tally.is_exact for tally in self.tallies.values()):
            # Who looks at one figure alone sees it, too.
            return {key: replace(one, note=_ALONE) for key, one in told.items() if key[0] and one.value is not None}
        rows = Rows.of(self.tallies)
        keys = [
            key for key, one in told.items() if one.value is not None and (rows.table.subjects_repeat or not key[0])
        ]
        if not keys:
            return {}

        def values(weights: Floats) -> list[float]:
            drawn = rows.values(weights, points, self.reference, areas=rows.table.subjects_repeat)
            return [drawn[key] for key in keys]

        found = bootstrap_all(rows.table.subjects, values, draws=self.source.draws, level=self.source.level)
        return dict(zip(keys, found, strict=True))


@dataclass(frozen=True)
class Rows:
    """The rows of all groups; `groups` are places in `names`. A subject is the same one in every group."""

    names: tuple[str, ...]
    groups: NDArray[np.int64]
    table: Table

    @classmethod
    def of(cls, tallies: Mapping[str, Tally]) -> "Rows":
        """All rows of these exact tallies."""
        together = Tally(sum(tally.rows for tally in tallies.values()))
        for tally in tallies.values():
            for part in tally.kept:
                together.add(part)
        rows = together.table()
        groups = np.repeat(np.arange(len(tallies)), [tally.rows for tally in tallies.values()])
        return cls(tuple(tallies), groups, rows)

    def values(
        self, weights: Floats, points: Mapping[str, float], reference: str, *, areas: bool
    ) -> dict[tuple[str, str, str], float]:
        """Gaps and spreads of rows of these weights, NaN where there is none."""
        found: dict[tuple[str, str, str], float] = {}
        number = self.names.index(reference)
        if areas:
            area = [self._area(place, weights) for place in range(len(self.names))]
            found |= {(name, "auroc_gap", ""): area[place] - area[number] for place, name in enumerate(self.names)}
        for point, threshold in points.items():
            cells = self._cells(weights, threshold)
            for name, part in _SHARES.items():
                shares = [_share(part(one)) for one in cells]
                found |= {
                    (group, f"{name}_gap", point): shares[place] - shares[number]
                    for place, group in enumerate(self.names)
                }
            found |= {
                ("", name, point): np.nan if value is None else value for name, value in _spread_values(cells).items()
            }
        return found

    def _area(self, place: int, weights: Floats) -> float:
        chosen = (self.groups == place) & (weights > 0)
        value = auroc(
            rank(self.table.scores[chosen], self.table.truths[chosen].astype(np.int64), weights[chosen])
        ).value
        return np.nan if value is None else value

    def _cells(self, weights: Floats, threshold: float) -> list[Confusion]:
        said, true = self.table.scores >= threshold, self.table.truths == 1
        counts = [
            np.bincount(self.groups[cell], weights[cell], len(self.names))
            for cell in (said & true, said & ~true, ~said & true, ~said & ~true)
        ]
        return [Confusion(*(float(count[place]) for count in counts)) for place in range(len(self.names))]


def _spread_values(cells: list[Confusion]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, figures in _SPREADS.items():
        spreads = [spread(_known(_SHARES[figure](one)) for one in cells) for figure in figures]
        known = [one for one in spreads if one is not None]
        found[name] = max(known) if len(known) == len(spreads) else None
    return found


def _known(part: tuple[float, float]) -> float | None:
    return part[0] / part[1] if part[1] else None


def _share(part: tuple[float, float]) -> float:
    return part[0] / part[1] if part[1] else np.nan
