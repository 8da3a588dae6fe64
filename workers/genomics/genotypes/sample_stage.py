"""What every stage has whose records are samples: one pass over the genotypes of a shard, and the rows of it."""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError
from schemas.status import Status
from workers.genomics.genotypes.answers import Answer, columns_of, refused
from workers.genomics.genotypes.ploidy import Haploid, Ploidy
from workers.genomics.genotypes.scanning import Taker, chunk_bytes, scan
from workers.genomics.genotypes.source import GenotypeStage
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import build_rows
from workers.reading.absent import fault_of


class SampleStage(GenotypeStage):
    """Implements `workers.pipeline.kinds.ShardStage`. A shard is whole blocks of samples."""

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """Rows of the samples of a shard. Where the genotypes cannot be read to their end, none of them has a value."""
        began, computing = time.perf_counter(), time.process_time()
        try:
            self._genotypes.check(records["etag"][0].as_py())
            self.load()
            seconds = {"load": time.perf_counter() - began}
            answers, header = self.answer(records)
        except (ObjectMissing, ObjectChanged) as error:
            gone, changed = "the genotypes are gone", "the genotypes were changed"
            since = "since they were planned"
            return self._refused(records, *fault_of(error, f"{gone} {since}", f"{changed} {since}"))
        except RecordError as error:
            return self._refused(records, error.status, error.detail)
        table = self._table(records, answers, header)
        return ShardTable(table, seconds=seconds, core_seconds=time.process_time() - computing)

    @abstractmethod
    def load(self) -> None:
        """Read what all shards need, at the first one."""

    @abstractmethod
    def answer(self, records: pa.Table) -> tuple[Mapping[str, Answer], Mapping[str, Any]]:
        """The answers by model, and the columns that samples give themselves. Raises what a source raises."""

    def sex(self, records: pa.Table) -> NDArray[np.int8]:
        """As `workers.genomics.contract.SAMPLE_SCHEMA` has it."""
        first = records["member"][0].as_py()
        found: NDArray[np.int8] = self._genotypes.samples["sex"].to_numpy()[first : first + records.num_rows]
        return found

    def ploidy(self, haploid: Haploid, records: pa.Table) -> Ploidy:
        """Who carries one copy among these samples."""
        return Ploidy(haploid, self.sex(records), bool((self._genotypes.samples["sex"] != 0).any()))

    def scan(self, records: pa.Table, takers: Sequence[Taker], ploidy: Ploidy) -> None:
        """Show the genotypes of these samples to all takers."""
        first = records["member"][0].as_py()
        size = chunk_bytes(self._genotypes.settings, self._context.compute)
        scan(self._genotypes.opened, first, first + records.num_rows, takers, ploidy, size)

    def _table(self, records: pa.Table, answers: Mapping[str, Answer], header: Mapping[str, Any]) -> pa.Table:
        values, statuses, details = columns_of(self._names, answers, records.num_rows)
        kept = {field.name: header[field.name] for field in self._context.layout.header_carry}
        return build_rows(records, self._context.layout, {**kept, **values}, statuses, details)

    def _refused(self, records: pa.Table, status: Status, detail: str) -> ShardTable:
        rows, layout = records.num_rows, self._context.layout
        answers: dict[str, Answer] = {}
        for model in dict.fromkeys(model for _, model, _ in self._names):
            outputs = [output for _, of, output in self._names if of == model]
            answers[model] = refused(status, detail, outputs, rows)
        values, _, _ = columns_of(self._names, answers, rows)
        header = {field.name: [None] * rows for field in layout.header_carry}
        return ShardTable(build_rows(records, layout, {**header, **values}, [status] * rows, [detail] * rows))

    @property
    def _names(self) -> list[tuple[str, str, str]]:
        """(name, model, output) of each column."""
        return [(column.name, column.model, column.output) for column in self._context.layout.given]
