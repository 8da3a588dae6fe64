"""Stage `predict`, and `score` before it where scores are adjusted: one pass over the genotypes of a shard."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from workers.genomics.genotypes.answers import Answer
from workers.genomics.genotypes.network import NetworkTaker
from workers.genomics.genotypes.qc import SampleQc
from workers.genomics.genotypes.sample_stage import SampleStage
from workers.genomics.genotypes.scanning import Taker
from workers.genomics.genotypes.scores import Scores, ScoreTaker
from workers.genomics.genotypes.source import Genotypes
from workers.genomics.genotypes.workload import Workload, load_workload
from workers.pipeline.context import StageContext
from workers.pipeline.models import device


class PredictStage(SampleStage):
    """Scores samples."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._threads = max(1, int(context.cpus))
        self._device = device(context.gpus)

    def load(self) -> None:
        """The models of the run."""
        _ = self._workload

    def answer(self, records: pa.Table) -> tuple[Mapping[str, Answer], Mapping[str, Any]]:
        """Scores by model, and what is told of the quality of each sample."""
        loaded, rows = self._workload, records.num_rows
        ploidy = self.ploidy(loaded.haploid, records)
        takers: dict[str, ScoreTaker | NetworkTaker] = {
            name: ScoreTaker(model, ploidy, rows, self._threads, self._device)
            if isinstance(model, Scores)
            else NetworkTaker(model, rows)
            for name, model in loaded.models.items()
        }
        all_takers: list[Taker] = list(takers.values())
        qc = None if loaded.qc is None else SampleQc(loaded.qc, self.sex(records))
        if qc is not None:
            all_takers.append(qc)
        self.scan(records, all_takers, ploidy)
        return {name: taker.finish() for name, taker in takers.items()}, {} if qc is None else qc.columns()

    @cached_property
    def _workload(self) -> Workload:
        return load_workload(self._context, self._genotypes, self._device, self._threads)
