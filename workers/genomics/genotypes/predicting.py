"""Stage `predict`, and `score` before it where scores are adjusted: one pass over the genotypes of a shard."""

import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError
from schemas.status import Status
from workers.genomics.genotypes.answers import Answer, columns_of, refused
from workers.genomics.genotypes.network import NetworkTaker
from workers.genomics.genotypes.ploidy import Ploidy
from workers.genomics.genotypes.qc import SampleQc
from workers.genomics.genotypes.scanning import Taker, chunk_bytes, scan
from workers.genomics.genotypes.scores import Scores, ScoreTaker
from workers.genomics.genotypes.source import Genotypes, GenotypeStage
from workers.genomics.genotypes.workload import Workload, load_workload
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable
from workers.pipeline.models import device
from workers.pipeline.rowtable import build_rows
from workers.reading.absent import fault_of


class PredictStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`. A shard is whole blocks of samples."""

    def __init__(self, context: StageContext, genotypes: Genotypes) -> None:
        super().__init__(context, genotypes)
        self._threads = max(1, int(context.cpus))
        self._device = device(context.gpus)
        self._loaded: Workload | None = None

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Score the samples of a shard. Where the genotypes cannot be read to their end, none of them has a value."""
        began, computing = time.perf_counter(), time.process_time()
        try:
            self._genotypes.check(records["etag"][0].as_py())
            loaded = self._workload
            seconds = {"load": time.perf_counter() - began}
            answers, header = self._score(loaded, records)
        except (ObjectMissing, ObjectChanged) as error:
            gone, changed = "the genotypes are gone", "the genotypes were changed"
            since = "since they were planned"
            return self._refused(records, *fault_of(error, f"{gone} {since}", f"{changed} {since}"))
        except RecordError as error:
            return self._refused(records, error.status, error.detail)
        table = self._table(records, answers, header)
        return ShardTable(table, seconds=seconds, core_seconds=time.process_time() - computing)

    @property
    def _workload(self) -> Workload:
        if self._loaded is None:
            self._loaded = load_workload(self._context, self._genotypes, self._device, self._threads)
        return self._loaded

    def _score(self, loaded: Workload, records: pa.Table) -> tuple[dict[str, Answer], Mapping[str, Any]]:
        first = records["member"][0].as_py()
        last = first + records.num_rows
        sex = self._genotypes.samples["sex"].to_numpy()
        ploidy = Ploidy(loaded.haploid, sex[first:last], bool(sex.any()))
        takers: dict[str, ScoreTaker | NetworkTaker] = {
            name: ScoreTaker(model, ploidy, records.num_rows, self._threads, self._device)
            if isinstance(model, Scores)
            else NetworkTaker(model, records.num_rows)
            for name, model in loaded.models.items()
        }
        all_takers: list[Taker] = list(takers.values())
        qc = None if loaded.qc is None else SampleQc(loaded.qc, sex[first:last])
        if qc is not None:
            all_takers.append(qc)
        size = chunk_bytes(self._genotypes.settings, self._context.compute)
        scan(self._genotypes.opened, first, last, all_takers, ploidy, size)
        return {name: taker.finish() for name, taker in takers.items()}, {} if qc is None else qc.columns()

    def _table(self, records: pa.Table, answers: Mapping[str, Answer], header: Mapping[str, Any]) -> pa.Table:
        layout = self._context.layout
        names = [(column.name, column.model, column.output) for column in layout.given]
        values, statuses, details = columns_of(names, answers, records.num_rows)
        kept = {field.name: header[field.name] for field in layout.header_carry}
        return build_rows(records, layout, {**kept, **values}, statuses, details)

    def _refused(self, records: pa.Table, status: Status, detail: str) -> ShardTable:
        rows, layout = records.num_rows, self._context.layout
        answers: dict[str, Answer] = {}
        for model in self._context.run.models:
            outputs = [column.output for column in layout.given if column.model == model]
            answers[model] = refused(status, detail, outputs, rows)
        names = [(column.name, column.model, column.output) for column in layout.given]
        values, _, _ = columns_of(names, answers, rows)
        header = {field.name: [None] * rows for field in layout.header_carry}
        return ShardTable(build_rows(records, layout, {**header, **values}, [status] * rows, [detail] * rows))
