"""Figures of segmentations: overlap, distance and volume of each structure, with intervals by person."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from workers.evaluation.columns import SUBJECT, masks_column
from workers.evaluation.figure import Figure, count
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.tally import numbered
from workers.statistics import regression
from workers.statistics.bootstrap import bootstrap_all
from workers.statistics.estimate import Estimate, undefined
from workers.statistics.ranks import Floats
from workers.statistics.regression import moments

MEANS = ("dice", "hd95", "surface_dice")


class MaskSums:
    """Rows with their structures, which are few numbers each."""

    def __init__(self, outcome: str, source: EvaluateInput) -> None:
        self._outcome, self._source = outcome, source
        self._structures = tuple(source.outcomes[outcome].structures)
        self._kept: list[pl.DataFrame] = []

    def add(self, evaluated: pl.DataFrame, unscored: pl.DataFrame) -> None:
        """Keep the structures of these rows."""
        self._kept.append(evaluated.select(SUBJECT, pl.col(masks_column(self._outcome)).alias("masks")))

    def figures(self, points: Mapping[str, float]) -> list[Figure]:
        """Means over all structures, then those of each, whose name is the point."""
        return list(self._figures())

    def ranks(self) -> None:
        """Masks have no ranking."""
        return

    def volumes(self) -> Mapping[str, Mapping[str, list[float]]]:
        """For pictures of Bland and Altman: by structure the mean of both volumes of each row, and predicted less
        true, in millilitres."""
        table = self._table()
        return {
            name: {
                "mean_ml": [round(float(value), 6) for value in (one["predicted_ml"] + one["true_ml"]) / 2],
                "difference_ml": [round(float(value), 6) for value in one["predicted_ml"] - one["true_ml"]],
            }
            for name, one in table.items()
        }

    def _table(self) -> dict[str, dict[str, Floats]]:
        """By structure and figure: a value a row, NaN where it has none."""
        rows = pl.concat(self._kept)["masks"].to_list() if self._kept else []
        names = ("predicted", "true", *MEANS, "predicted_ml", "true_ml")
        return {
            structure: {name: np.array([_number(cells[place][name]) for cells in rows], np.float64) for name in names}
            for place, structure in enumerate(self._structures)
        }

    def _figures(self) -> Iterator[Figure]:
        table = self._table()
        rows = sum(part.height for part in self._kept)
        yield count("rows", rows)
        means = self._means(table, rows)
        for name in MEANS:
            yield Figure(f"macro_{name}", means[name, ""])
        for structure, found in table.items():
            yield from (Figure(name, means[name, structure], structure) for name in MEANS)
            there = {name: found[name] > 0 for name in ("predicted", "true")}
            yield count("rows_with_it", int(there["true"].sum()), structure)
            yield count("missed", int((there["true"] & ~there["predicted"]).sum()), structure)
            yield count("made_up", int((~there["true"] & there["predicted"]).sum()), structure)
            yield from self._volumes(found, structure)

    def _volumes(self, found: Mapping[str, Floats], structure: str) -> Iterator[Figure]:
        """Agreement of volumes after Bland and Altman (1986), in millilitres."""
        sums = moments(found["true_ml"], found["predicted_ml"])
        yield Figure("volume_bias_ml", regression.bias(sums, self._source.level), structure)
        limits = undefined("fewer than two rows")
        if sums.rows > 1:
            limits = Estimate(regression.bias(sums).value, *regression.limits_of_agreement(sums))
        yield Figure("volume_limits_of_agreement_ml", limits, structure)
        yield Figure("volume_concordance", regression.concordance(sums), structure)

    def _means(self, table: Mapping[str, Mapping[str, Floats]], rows: int) -> dict[tuple[str, str], Estimate]:
        """Means over the rows that have a figure; of all structures the mean of theirs."""
        keys = [(name, structure) for name in MEANS for structure in ("", *self._structures)]
        if not rows:
            return {key: undefined("no rows") for key in keys}
        values = {name: np.stack([table[one][name] for one in self._structures]) for name in MEANS}

        def drawn(weights: Floats) -> list[float]:
            found = []
            for name in MEANS:
                each = [_mean(one, weights) for one in values[name]]
                known = [one for one in each if not np.isnan(one)]
                found += [float(np.mean(known)) if known else np.nan, *each]
            return found

        clusters = numbered(pl.concat(self._kept)[SUBJECT])
        estimates = bootstrap_all(clusters, drawn, draws=self._source.draws, level=self._source.level)
        pairs = zip(keys, estimates, strict=True)
        return {key: undefined(_NONE[key[0]]) if np.isnan(one.value or 0.0) else one for key, one in pairs}


_NONE = {
    "dice": "no row has it, predicted or true",
    "hd95": "no row has it both predicted and true",
    "surface_dice": "no row has it, predicted or true",
}


def _mean(values: Floats, weights: Floats) -> float:
    known = ~np.isnan(values)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum() / total) if total else float("nan")


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
