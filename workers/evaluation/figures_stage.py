"""Stage `figures`: all figures of an evaluation, from the joined rows, one file of them in memory at a time."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.errors import SpecError
from schemas.rows import stage_columns, table_columns
from schemas.run import RunFile
from schemas.status import Status
from workers.evaluation.binary import BinarySums, scored
from workers.evaluation.cases import Case, planned, tested, tuned, unscored
from workers.evaluation.class_recalibration import ClassRecalibration
from workers.evaluation.columns import FIGURES
from workers.evaluation.documents import described, metrics_json, metrics_parquet
from workers.evaluation.fairness import Fairness
from workers.evaluation.figure import STRUCT, Figure
from workers.evaluation.mask_sums import MaskSums
from workers.evaluation.points import operating_points
from workers.evaluation.recalibration import Recalibration, calibrated_figures, calibration_files, open_recalibration
from workers.evaluation.remarks import Remarks
from workers.evaluation.settings import EvaluateInput
from workers.evaluation.sums import Sums, open_sums
from workers.evaluation.suppression import Suppression
from workers.evaluation.tally import Tally
from workers.evaluation.together import together
from workers.finished_runs.stage import FinishedStage
from workers.labels.table import ROW
from workers.pipeline.context import StageContext
from workers.pipeline.frames import read_frame
from workers.pipeline.kinds import ShardStage, ShardTable
from workers.pipeline.rowtable import build_rows
from workers.statistics.ranks import Ranks

COLUMNS = (
    *stage_columns(FIGURES, ("figures", f"list<{STRUCT}>", "every figure, with its interval")),
    *table_columns(FIGURES, ("remarks", "list<struct<remark: string>>", "remarks")),
    *table_columns(FIGURES, ("shown", f"list<struct<case: string, {STRUCT[len('struct<') : -1]}>>", "figures")),
)


class FiguresStage(ShardStage):
    """One shard: every case of the plan together."""

    def __init__(self, context: StageContext, join: FinishedStage, evaluated: RunFile) -> None:
        self._context = context
        self._evaluated = evaluated
        self._join = join
        self._source = EvaluateInput.model_validate(context.run.spec.input)

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The rows of all cases, and the files of figures."""
        order = list(planned(pl.DataFrame(pl.from_arrow(records))))
        sums = {case: open_sums(case.outcome, self._source) for case in order}
        binary = [name for name, outcome in self._source.outcomes.items() if outcome.task == "binary"]
        tuning = {name: Tally(self._source.exact_rows) for name in binary}
        again = self._recalibrations()
        matched = np.zeros(self._join.run.parts["state"].get("label_rows", 0), np.bool_)
        remarks = Remarks(self._source)
        for rows in self._joined():
            self._add(rows, sums, tuning, again)
            remarks.add(rows)
            matched[rows[ROW].drop_nulls().to_numpy()] = True
        self._refuse_uncompared(sums)
        points: dict[str, dict[str, float]] = {name: {} for name in self._source.outcomes}
        points |= {name: operating_points(name, self._source.outcomes[name], tuning[name].ranks) for name in binary}
        hidden = self._suppression(points, order)
        figures = {
            case: hidden.shown(case, sums[case].figures(points[case.outcome]), sums[case].ranks()) for case in order
        }
        fitted = {name: one.fitted() for name, one in again.items()}
        for name, one in fitted.items():
            figures[Case(name)] += calibrated_figures(one, self._source.level)
        spreads = self._fairness(sums, points, hidden, figures)
        values: dict[str, Any] = {
            "figures": [[figure.as_row() for figure in figures[case]] for case in order],
            "shown": [_shown(case, figures[case]) for case in order],
            "remarks": [[{"remark": one["remark"]} for one in remarks.found()], *([[]] * (len(order) - 1))],
        }
        ranked = {case.outcome: sums[case].ranks() for case in order if not case.group}
        ranks = {name: found for name, found in ranked.items() if found is not None}
        sets = self._together(ranks, points)
        values["shown"][0] += [row for case, found in sets.items() for row in _shown(case, found)]
        table = build_rows(records, self._context.layout, values, [Status.OK] * len(order))
        account = {
            "evaluated": described(self._evaluated),
            **self._account(int(matched.sum()), sets),
            **_by_group(spreads),
            "remarks": remarks.found(),
        }
        side = [
            metrics_json(self._context, self._source, points, figures, ranks, account, fitted, self._volumes(sums)),
            metrics_parquet(self._context, {**figures, **sets, **spreads}),
            *calibration_files(fitted, self._scores, self._context.run.fingerprint),
        ]
        return ShardTable(table, side=side)

    def _joined(self) -> Iterator[pl.DataFrame]:
        for key in self._join.all_rows(["joined"])["joined"].to_pylist():
            yield read_frame(self._context.store, key)

    def _recalibrations(self) -> dict[str, Recalibration | ClassRecalibration]:
        return {name: open_recalibration(name, self._source) for name in self._scores}

    @property
    def _scores(self) -> Mapping[str, Mapping[str, Any]]:
        """Whose output the score of each calibrated outcome is."""
        found: Mapping[str, Mapping[str, Any]] = self._join.run.parts["state"].get("calibrated", {})
        return found

    def _add(
        self,
        rows: pl.DataFrame,
        sums: Mapping[Case, Sums],
        tuning: Mapping[str, Tally],
        again: Mapping[str, Recalibration | ClassRecalibration],
    ) -> None:
        for name in self._source.outcomes:
            good, without = tested(rows, name, self._source), unscored(rows, name, self._source)
            for case, one in sums.items():
                if case.outcome == name:
                    one.add(case.rows(good), case.rows(without))
            chosen = tuned(rows, name, self._source)
            if name in tuning:
                tuning[name].add(scored(chosen, name))
            if name in again:
                again[name].add(chosen, good)

    def _refuse_uncompared(self, sums: Mapping[Case, Sums]) -> None:
        """Raises SpecError where the run that is compared has scored none of the rows."""
        for case, one in sums.items():
            if not case.group and isinstance(one, BinarySums) and one.compared == 0:
                raise SpecError(
                    f"input.compare: that run has scored none of the rows of outcome {case.outcome!r}: its record_id "
                    "are others; correct compare.run"
                )

    def _suppression(self, points: Mapping[str, Mapping[str, float]], cases: Sequence[Case]) -> Suppression:
        """Reads the joined rows once more, where small counts are hidden: operating points are known only now."""
        found = Suppression(self._source, points)
        if found.is_asked:
            for rows in self._joined():
                found.add(rows)
            found.decide(cases)
        return found

    def _together(
        self, ranks: Mapping[str, Ranks], points: Mapping[str, Mapping[str, float]]
    ) -> dict[Case, list[Figure]]:
        """The figures of each set of outcomes, over all rows."""
        sets = self._source.together.items()
        return {Case(name): list(together({one: ranks[one] for one in members}, points)) for name, members in sets}

    def _fairness(
        self,
        sums: Mapping[Case, Sums],
        points: Mapping[str, Mapping[str, float]],
        hidden: Suppression,
        figures: Mapping[Case, list[Figure]],
    ) -> dict[Case, list[Figure]]:
        """Adds gaps to the figures of groups that are shown; returns what is told of all groups of a partition."""
        found: dict[Case, list[Figure]] = {}
        for outcome, group in product(points, self._source.groups):
            shown = {
                case: one.tally
                for case, one in sums.items()
                if _is_of(case, outcome, group) and not hidden.hides(case) and isinstance(one, BinarySums)
            }
            told = found.setdefault(Case(outcome, group), [])
            for those, at in hidden.by_groups(list(shown), points[outcome]).items():
                if len(those) < 2:
                    continue
                between = Fairness({case.value: shown[case] for case in those}, self._source)
                for value, figure in between.figures(at, areas=len(those) == len(shown)):
                    (figures[Case(outcome, group, value)] if value else told).append(figure)
        return {case: told for case, told in found.items() if told}

    def _volumes(self, sums: Mapping[Case, Sums]) -> dict[str, Any]:
        """Volumes by row of segmented outcomes; none where small counts are hidden."""
        if self._source.suppress_below:
            return {}
        return {
            case.outcome: {"volumes": one.volumes()}
            for case, one in sums.items()
            if not case.group and isinstance(one, MaskSums)
        }

    def _account(self, matched: int, sets: Mapping[Case, list[Figure]]) -> dict[str, Any]:
        """What became of rows and of labels, and the figures of sets of outcomes."""
        labels = self._join.run.parts["state"].get("label_rows")
        told = {} if labels is None else {"labels": {"rows": labels, "of_no_row": labels - matched}}
        shown = {case.outcome: [figure.as_row() for figure in found] for case, found in sets.items()}
        return {**told, "flow": self._flow(), **({"together": shown} if shown else {})}

    def _flow(self) -> list[dict[str, Any]]:
        cells = pl.DataFrame(
            [cell for cells in self._join.all_rows(["flow"])["flow"].to_pylist() for cell in cells],
            schema={"outcome": pl.String, "part": pl.String, "state": pl.String, "rows": pl.Int64},
        )
        keys = ["outcome", "part", "state"]
        return cells.group_by(keys).agg(pl.col("rows").sum()).sort(keys).to_dicts()


def _is_of(case: Case, outcome: str, group: str) -> bool:
    return case.outcome == outcome and case.group == group


def _by_group(spreads: Mapping[Case, list[Figure]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for case, told in spreads.items():
        found.setdefault(case.outcome, {})[case.group] = [figure.as_row() for figure in told]
    return {"fairness": found} if found else {}


def _shown(case: Case, figures: list[Figure]) -> list[dict[str, Any]]:
    """What summary and report show of a case: all of it over all rows, the first figures of a group."""
    few = ("rows", "positives", "auroc", "macro_dice", "sensitivity", "specificity", "mean_absolute_error", "bias")
    rows = [figure for figure in figures if not case.group or figure.name in few]
    return [{"case": case.record_id, **figure.as_row()} for figure in rows]
