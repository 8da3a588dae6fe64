"""A conversion whose source may have a record several times: before it reads, it finds which one counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from schemas.rows import OutputColumn
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.conversion.layout import READ
from workers.ehr.meds import read_stage, versions_stage
from workers.ehr.meds.collection import Files, MedsConversion, ranges_plan
from workers.ehr.meds.layout import SCAN, VERSIONS
from workers.ehr.meds.settings import MedsInput
from workers.finished_runs.stage import FinishedStage

RECORDS_AT_ONCE = 5_000_000
"""Records that have a name which a worker compares at a time."""


class VersionedConversion(MedsConversion):
    """Two stages more than `MedsConversion` has; `scan` are the columns of the first one's rows."""

    def __init__(
        self,
        source: MedsInput,
        root: str,
        files: Files,
        rules: Mapping[str, Any],
        text_ids: bool,
        scan: tuple[OutputColumn, ...],
    ) -> None:
        super().__init__(source, root, files, rules, text_ids)
        self._scan = scan

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of every conversion, after `scan` and `versions`."""
        return (SCAN, VERSIONS, *super().stages)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage; `read` has the chunks of `scan`, so that both mean the same file by a number."""
        if stage == SCAN:
            return self.chunks_plan(self._scan, SCAN)
        if stage == VERSIONS:
            state = {"after": finished[-1].run.fingerprint}
            return ranges_plan(VERSIONS, versions_stage.COLUMNS, state, lambda: _pieces(finished[0]))
        if stage == READ:
            planned = self.chunks_plan(read_stage.COLUMNS)
            state = {**planned.state, "after": finished[-1].run.fingerprint}
            return replace(planned, batches=lambda: _batches(finished[0]), state=state)
        return super().plan(stage, finished, models)


def _pieces(scan: FinishedStage) -> int:
    counts = scan.all_rows(["part_events"])["part_events"].to_pylist()
    return max(1, -(-sum(sum(parts) for parts in counts) // RECORDS_AT_ONCE))


def _batches(scan: FinishedStage) -> Iterator[pa.RecordBatch]:
    return (batch for table in scan.plan().shards() for batch in table.to_batches())
