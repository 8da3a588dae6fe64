"""Stage `fit`: mean and deviation of each score in the whole cohort, and what components let expect of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.plan import plan_schema
from schemas.rows import stage_columns, table_columns
from schemas.status import Status
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.finished_runs.stage import stage_at
from workers.genomics.genotypes.components import Components
from workers.genomics.genotypes.layout import FIT, SCORE
from workers.genomics.genotypes.models import open_models
from workers.genomics.genotypes.outputs import ADJUSTED
from workers.genomics.genotypes.source import Genotypes, GenotypeStage
from workers.genomics.scores.adjust import Block, ComponentFit, fit_components, moments
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import build_rows

Floats = NDArray[np.float64]

FIT_ROWS = ["record_id", "mean", "sd", "components"]
_FITTED = stage_columns(
    FIT,
    ("n", "int64", "samples that have the score"),
    ("mean", "float64", "of the sums over the cohort; null of fewer than two"),
    ("sd", "float64", "their standard deviation, by n - 1"),
    ("components", "string", "what components let expect, as JSON; null where none are given"),
)
COLUMNS = _FITTED + table_columns(
    FIT,
    ("covered", "list<struct<model: string, samples: int64, with_components: int64>>", "Given components"),
)
_FIELDS = (
    pa.field("model", pa.string(), nullable=False),
    pa.field("score", pa.string(), nullable=False),
)
_SCORES = 64
"""Scores of one shard: the rows of stage `score` are read once for all of them, pass by pass."""


@dataclass(frozen=True)
class Fit:
    """What stage `fit` found of one score: its mean and deviation, and what components let expect."""

    mean: float
    sd: float
    components: ComponentFit | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Fit:
        """The fit that a row of the stage holds."""
        said = row["components"]
        fit = None if said is None else ComponentFit.from_json(json.loads(said))
        mean, sd = (np.nan if row[name] is None else row[name] for name in ("mean", "sd"))
        return cls(mean, sd, fit)

    def of(self, kind: str, sums: Floats, components: Floats | None) -> Floats:
        """`z`, `z_norm1` or `z_norm2` of these sums; NaN where there is none."""
        if kind == "z":
            return (sums - self.mean) / self.sd if self.sd > 0 else np.full(len(sums), np.nan)
        if self.components is None or components is None:
            return np.full(len(sums), np.nan)
        adjusted = self.components.z_norm1 if kind == "z_norm1" else self.components.z_norm2
        return adjusted(components, sums[:, None])[:, 0]


def plan(models: Mapping[str, ModelCard], state: Mapping[str, Any]) -> StagePlan:
    """A record is a score that is adjusted. `state` has what the stage depends on."""
    schema = plan_schema(_FIELDS)
    wanted = [(name, score) for name, card in models.items() for score in card.settings.get(ADJUSTED, {})]

    def batches() -> Iterator[pa.RecordBatch]:
        ids = [f"{name}/{score}" for name, score in wanted]
        given = {"record_id": ids, "subject_id": [name for name, _ in wanted], "uri": ids}
        given |= {"model": given["subject_id"], "score": [score for _, score in wanted]}
        arrays = [pa.array(given.get(field.name, [None] * len(ids)), field.type) for field in schema]
        yield pa.record_batch(arrays, schema=schema)

    return StagePlan(
        FIT,
        schema,
        batches,
        columns=COLUMNS,
        kind="shards",
        shard_records=_SCORES,
        state=state,
        with_models=True,
    )


class FitStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._score = stage_at(context.store, SCORE)
        self._models = {model.name: model for model in open_models(context)}
        self._components = Components(context, genotypes.samples)
        self._names = {(column.model, column.output): column.name for column in self._score.run.columns}

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Fit the planned scores on all rows of stage `score`, all of one model in the same passes."""
        pairs = list(zip(records["model"].to_pylist(), records["score"].to_pylist(), strict=True))
        fitted: dict[tuple[str, str], dict[str, Any]] = {}
        for model in dict.fromkeys(name for name, _ in pairs):
            fitted |= self._fit(model, [score for name, score in pairs if name == model])
        values: dict[str, Any] = {column.name: [fitted[pair][column.name] for pair in pairs] for column in _FITTED}
        values["covered"] = [self._covered(*pair) for pair in pairs]
        return ShardTable(build_rows(records, self._context.layout, values, [Status.OK] * len(pairs)))

    def _covered(self, model: str, score: str) -> list[dict[str, Any]]:
        """How many samples the table of components has, told once a model."""
        opened = self._models[model]
        samples = self._score.run.plan.records
        found = self._components.of(opened.steps, 0, samples)
        if found is None or score != next(iter(opened.card.settings[ADJUSTED])):
            return []
        with_all = int((~np.isnan(found).any(axis=1)).sum())
        return [{"model": model, "samples": samples, "with_components": with_all}]

    def _fit(self, model: str, scores: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
        steps = self._models[model].steps
        columns = [self._names[model, score] for score in scores]

        def blocks() -> Iterator[Block]:
            plan = self._score.run.plan
            for shard in range(plan.shards):
                rows = pl.DataFrame(pl.from_arrow(self._score.rows(shard, columns))).select(columns)
                sums = rows.with_columns(pl.all().fill_null(np.nan)).to_numpy()
                of = self._components.of(steps, plan.shard_start(shard), len(sums))
                yield (np.zeros((len(sums), 0)) if of is None else of), sums

        found = moments(blocks)
        has = steps.adjust is not None and steps.adjust.components is not None
        fit = fit_components(blocks) if has else None
        return {
            (model, score): {
                "n": int(found.count[at]),
                "mean": _number(found.mean[at]) if found.count[at] > 1 else None,
                "sd": _number(found.sd[at]),
                "components": None if fit is None else json.dumps(_one(fit, at).to_json()),
            }
            for at, score in enumerate(scores)
        }


def _one(fit: ComponentFit, at: int) -> ComponentFit:
    """The fit of one score among several."""
    own = slice(at, at + 1)
    return ComponentFit(
        fit.centre,
        fit.scale,
        fit.mean[:, own],
        fit.sd[own],
        fit.joint_mean[:, own],
        fit.log_variance[:, own],
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
