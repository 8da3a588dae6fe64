"""Everything that a worker of stage `predict` loads once: weights, networks, frequencies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.errors import SpecError
from workers.finished_runs.stage import stage_at
from workers.genomics.genotypes.earlier import all_rows, cohort_counts
from workers.genomics.genotypes.groups import OK
from workers.genomics.genotypes.layout import FILE, MATCH
from workers.genomics.genotypes.models import GenotypeModel, open_models
from workers.genomics.genotypes.network import Network, open_network
from workers.genomics.genotypes.ploidy import Haploid
from workers.genomics.genotypes.qc import X_F, QcFacts
from workers.genomics.genotypes.scanning import union
from workers.genomics.genotypes.scores import Scores
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.genotypes.steps import Impute
from workers.genomics.genotypes.tables import planned_frequencies
from workers.genomics.scores.frequencies import cohort_frequencies
from workers.genomics.scores.weights import Part
from workers.pipeline.context import StageContext
from workers.pipeline.frames import read_frame


@dataclass(frozen=True)
class Workload:
    """The models by name, in the run's order."""

    models: Mapping[str, Scores | Network]
    haploid: Haploid
    qc: QcFacts | None


def load_workload(context: StageContext, genotypes: Genotypes, device: str, threads: int) -> Workload:
    """Raises SpecError where a table that a step names is not what it was."""
    return _Loader(context, genotypes).load(device, threads)


class _Loader:
    """Reads what is shared once."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        self._context = context
        self._genotypes = genotypes
        self._cohort: pl.DataFrame | None = None
        columns = ["model", "score", "verdict", "matched", "n_variants", "number", "entries_key", "detail"]
        self._matched = all_rows(stage_at(context.store, MATCH), columns)

    def load(self, device: str, threads: int) -> Workload:
        """All of it."""
        models: dict[str, Scores | Network] = {}
        for model in open_models(self._context):
            rows = self._matched.filter(pl.col("model") == model.name)
            models[model.name] = (
                self._network(model, rows, device, threads) if model.is_panel else self._scores(model, rows)
            )
        # Arrow keeps what it read the weights into, twice their size, for later reads, of which there are none.
        pa.default_memory_pool().release_unused()
        haploid = Haploid(self._genotypes.variants, self._genotypes.build)
        return Workload(models, haploid, self._qc(models, haploid))

    def _scores(self, model: GenotypeModel, rows: pl.DataFrame) -> Scores:
        parts: list[Part] = []
        for (key,), part in rows.drop_nulls("entries_key").group_by("entries_key", maintain_order=True):
            if not (part["verdict"] == OK).any():
                continue
            entries = read_frame(self._context.store, str(key))
            file = entries[FILE].to_numpy()
            for (number,), scores in part.group_by("number", maintain_order=True):
                if (scores["verdict"] == OK).any():
                    first, last = np.searchsorted(file, [number, number + 1])
                    parts.append((scores["score"].to_list(), entries[int(first) : int(last)]))
        groups = self._context.run.parts["state"]["groups"].get(model.name, {})
        why = next(iter(rows.filter(pl.col("verdict") != OK)["detail"]), None)
        frequencies = self._frequencies(model.steps.impute)
        made = Scores.of(model, parts, frequencies, self._genotypes.variants, groups, why)
        fill = made.weights.weights.fill
        if model.steps.impute.frequencies is not None and len(fill) and np.isnan(fill).all():
            raise SpecError(
                f"impute.frequencies: has none of the variants that count in model {model.name}: correct it"
            )
        return made

    def _network(self, model: GenotypeModel, rows: pl.DataFrame, device: str, threads: int) -> Network:
        (row,) = rows.to_dicts()
        low = None if row["verdict"] == OK else row["detail"]
        places = read_frame(self._context.store, row["entries_key"])
        return open_network(model, places, self._genotypes.variants, low, device, threads)

    def _frequencies(self, impute: Impute) -> pl.DataFrame | None:
        if impute.missing == "none":
            return None
        if impute.frequencies is None:
            return self._of_cohort()
        return planned_frequencies(self._context, impute.frequencies, self._genotypes.variants)

    def _of_cohort(self) -> pl.DataFrame:
        if self._cohort is None:
            self._cohort = cohort_frequencies(cohort_counts(self._context, self._genotypes))
        return self._cohort

    def _qc(self, models: Mapping[str, Scores | Network], haploid: Haploid) -> QcFacts | None:
        how = self._genotypes.settings.qc
        if how == "none":
            return None
        variants = self._genotypes.variants
        parts = [
            model.weights.records if isinstance(model, Scores) else model.panel.records for model in models.values()
        ]
        wants_x = X_F in self._context.run.header_carry
        frequencies = self._of_cohort() if wants_x else None
        return QcFacts(variants, haploid, frequencies, union(parts) if how == "scored" else None)
