"""Stage `figures`: all figures of an evaluation, from the joined rows, one file of them in memory at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.rows import stage_columns, table_columns
from schemas.status import Status
from workers.evaluation.binary import Binary, Unscored
from workers.evaluation.cases import Case, planned, tested, tuned, unscored
from workers.evaluation.columns import FIGURES, truth_column
from workers.evaluation.documents import metrics_json, metrics_parquet
from workers.evaluation.figure import STRUCT, Figure, count
from workers.evaluation.number import number_figures
from workers.evaluation.points import operating_points
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.tally import Tally
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.context import StageContext
from workers.pipeline.frames import read_frame
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows
from workers.statistics.disclosure import hidden_groups
from workers.statistics.regression import Moments, moments

COLUMNS = (
    *stage_columns(FIGURES, ("figures", f"list<{STRUCT}>", "every figure, with its interval")),
    *table_columns(FIGURES, ("shown", f"list<struct<case: string, {STRUCT[len('struct<') : -1]}>>", "figures")),
)


@dataclass
class _Sums:
    """What is added up of one case."""

    tally: Tally
    numbers: Moments = field(default_factory=lambda: moments(np.zeros(0), np.zeros(0)))
    unscored: Unscored = field(default_factory=Unscored)


class FiguresStage(ShardStage):
    """One shard: every case of the plan together."""

    def __init__(self, context: StageContext, join: FinishedStage) -> None:
        self._context = context
        self._join = join
        self._source = EvaluateInput.model_validate(context.run.spec.input)

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The rows of all cases, and the files of figures."""
        order = list(planned(pl.DataFrame(pl.from_arrow(records))))
        sums = {case: _Sums(Tally(case.outcome, self._source.exact_rows)) for case in order}
        tuning = {name: Tally(name, self._source.exact_rows) for name in self._source.outcomes}
        for rows in self._joined():
            self._add(rows, sums, tuning)
        points = {
            name: operating_points(name, outcome, tuning[name].ranks) for name, outcome in self._source.outcomes.items()
        }
        hidden = self._hidden(sums)
        figures = {
            case: [_suppressed(self._source.suppress_below)]
            if case in hidden
            else self._figures(case, sums[case], points)
            for case in order
        }
        values = {
            "figures": [[figure.as_row() for figure in figures[case]] for case in order],
            "shown": [_shown(case, figures[case]) for case in order],
        }
        table = build_rows(records, self._context.layout, values, [Status.OK] * len(order))
        ranks = {case.outcome: sums[case].tally.ranks() for case in order if not case.group and self._is_binary(case)}
        side = [
            metrics_json(self._context, self._source, points, figures, ranks, self._flow()),
            metrics_parquet(self._context, figures),
        ]
        return ShardTable(table, side=side)

    def _joined(self) -> Iterator[pl.DataFrame]:
        for key in self._join.all_rows(["joined"])["joined"].to_pylist():
            yield read_frame(self._context.store, key)

    def _add(self, rows: pl.DataFrame, sums: Mapping[Case, _Sums], tuning: Mapping[str, Tally]) -> None:
        for name, outcome in self._source.outcomes.items():
            good, without = tested(rows, name, self._source), unscored(rows, name, self._source)
            of_outcome = [(case, one) for case, one in sums.items() if case.outcome == name]
            for case, one in of_outcome:
                part = case.rows(good)
                if outcome.task == "number":
                    one.numbers += moments(part[truth_column(name)].to_numpy(), part[f"score.{name}"].to_numpy())
                    continue
                one.tally.add(part)
                positive = int((case.rows(without)[truth_column(name)] == 1).sum())
                negative = case.rows(without).height - positive
                one.unscored = Unscored(one.unscored.positives + positive, one.unscored.negatives + negative)
            if outcome.task == "binary":
                tuning[name].add(tuned(rows, name, self._source))

    def _figures(self, case: Case, sums: _Sums, points: Mapping[str, Mapping[str, float]]) -> list[Figure]:
        outcome = self._source.outcomes[case.outcome]
        if outcome.task == "number":
            return list(number_figures(sums.numbers, self._source.level))
        return Binary(sums.tally, outcome, self._source, points[case.outcome], sums.unscored).figures()

    def _hidden(self, sums: Mapping[Case, _Sums]) -> set[Case]:
        found: set[Case] = set()
        for outcome in self._source.outcomes:
            for group in self._source.groups:
                cells = {
                    case.value: self._cells(case, one) for case, one in sums.items() if _is_of(case, outcome, group)
                }
                names = hidden_groups(cells, self._source.suppress_below)
                found |= {Case(outcome, group, name) for name in names}
        return found

    def _cells(self, case: Case, sums: _Sums) -> list[float]:
        if not self._is_binary(case):
            return [sums.numbers.rows]
        ranks = sums.tally.ranks()
        return [ranks.total_positives, ranks.total_negatives]

    def _is_binary(self, case: Case) -> bool:
        return self._source.outcomes[case.outcome].task == "binary"

    def _flow(self) -> list[dict[str, Any]]:
        """Rows by what became of them, over all shards."""
        cells = pl.DataFrame(
            [cell for cells in self._join.all_rows(["flow"])["flow"].to_pylist() for cell in cells],
            schema={"outcome": pl.String, "part": pl.String, "state": pl.String, "rows": pl.Int64},
        )
        keys = ["outcome", "part", "state"]
        return cells.group_by(keys).agg(pl.col("rows").sum()).sort(keys).to_dicts()


def _is_of(case: Case, outcome: str, group: str) -> bool:
    return case.outcome == outcome and case.group == group


def _suppressed(least: int) -> Figure:
    found = count("rows", 0)
    return Figure(
        found.name, type(found.estimate)(None, note=f"not shown: a count below {least}, or one that tells it")
    )


def _shown(case: Case, figures: list[Figure]) -> list[dict[str, Any]]:
    """What summary and report show of a case: all of it over all rows, the first figures of a group."""
    few = ("rows", "positives", "auroc", "sensitivity", "specificity", "mean_absolute_error", "bias")
    rows = [figure for figure in figures if not case.group or figure.name in few]
    return [{"case": case.record_id, **figure.as_row()} for figure in rows]
