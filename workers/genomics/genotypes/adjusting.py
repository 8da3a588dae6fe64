"""Stage `predict` where scores are adjusted: the rows of stage `score`, and what stage `fit` makes of their sums."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.rows import OutputColumn, output_columns
from workers.contract import ModelCard
from workers.finished_runs.stage import FinishedStage, stage_at
from workers.genomics.genotypes.components import Components
from workers.genomics.genotypes.earlier import all_rows
from workers.genomics.genotypes.fitting import FIT_ROWS, Fit
from workers.genomics.genotypes.layout import FIT, SCORE
from workers.genomics.genotypes.models import GenotypeModel, open_models
from workers.genomics.genotypes.outputs import ADJUSTED
from workers.genomics.genotypes.source import Genotypes, GenotypeStage
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import build_rows

Floats = NDArray[np.float64]


def columns_before(models: Mapping[str, ModelCard]) -> tuple[OutputColumn, ...]:
    """All columns of the models but the adjusted ones."""
    return output_columns({name: _before(card) for name, card in models.items()})


def _before(card: ModelCard) -> list[Any]:
    later = {name for names in card.settings.get(ADJUSTED, {}).values() for name in names.values()}
    return [field for field in card.outputs if field.name not in later]


class AdjustStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`. Reads no genotypes."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._score: FinishedStage = stage_at(context.store, SCORE)
        fits = all_rows(stage_at(context.store, FIT), FIT_ROWS)
        self._fits = {row["record_id"]: Fit.of_row(row) for row in fits.iter_rows(named=True)}
        self._models = {model.name: model for model in open_models(context)}
        self._components = Components(context, genotypes.samples)

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """The rows of stage `score` with the adjusted columns of stage `fit` put in."""
        rows, layout = self._score.rows(shard), self._context.layout
        first = records["member"][0].as_py()
        names = {(column.model, column.output): column.name for column in self._score.run.columns}
        values: dict[str, Any] = {field.name: rows[field.name] for field in layout.header_carry}
        adjusted = {
            name: _of_score(model, self._fits, rows, names, self._components.of(model.steps, first, len(rows)))
            for name, model in self._models.items()
        }
        for column in layout.columns:
            there = column.name in rows.column_names
            values[column.name] = rows[column.name] if there else adjusted[column.model][column.output]
        return ShardTable(build_rows(records, layout, values, rows["status"].to_pylist(), rows["detail"].to_pylist()))


def _of_score(
    model: GenotypeModel,
    fits: Mapping[str, Fit],
    rows: pa.Table,
    names: Mapping[tuple[str, str], str],
    components: Floats | None,
) -> dict[str, pa.Array]:
    """The adjusted columns of a model by output; null where the sum is, or where there are no components."""
    found: dict[str, pa.Array] = {}
    for score, kinds in model.card.settings.get(ADJUSTED, {}).items():
        fit = fits.get(f"{model.name}/{score}")
        sums = pl.Series(pl.from_arrow(rows[names[model.name, score]])).fill_null(np.nan).to_numpy()
        for kind, name in kinds.items():
            values = np.full(len(sums), np.nan) if fit is None else fit.of(kind, sums, components)
            found[name] = pl.Series(values).fill_nan(None).to_arrow()
    return found
