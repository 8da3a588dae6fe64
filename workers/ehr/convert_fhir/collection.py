"""A FHIR export as a job sees it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers.collection import StagePlan
from workers.contract import ModelCard
from workers.conversion.layout import READ
from workers.ehr.convert_fhir import scan_stage, versions_stage
from workers.ehr.convert_fhir.files import export_files, root_of
from workers.ehr.convert_fhir.layout import SCAN, VERSIONS
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.meds import read_stage
from workers.ehr.meds.collection import MedsConversion, ranges_plan
from workers.ehr.meds.rulefile import load_rules
from workers.finished_runs.stage import FinishedStage

RULES = Path(__file__).with_name("rules.yaml")

RECORDS_AT_ONCE = 5_000_000
"""Records with an id that a worker compares at a time."""


class FhirConversion(MedsConversion):
    """Before it reads, it finds which record of each resource counts, and the codes that resources refer to."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Two stages more than other conversions have."""
        return (SCAN, VERSIONS, *super().stages)

    def plan(self, stage: str, finished: Sequence[FinishedStage], models: Mapping[str, ModelCard]) -> StagePlan:
        """The plan of one stage; `read` has the chunks of `scan`, so that both mean the same file by a number."""
        if stage == SCAN:
            return self.chunks_plan(scan_stage.COLUMNS, SCAN)
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


def open_collection(source: FhirInput, storage: StorageSettings, compute: Compute) -> FhirConversion:
    """The conversion of a FHIR export by its rules. Raises SpecError if either cannot be used."""
    rules = load_rules(FhirRules, source.rules, RULES, storage)
    root = root_of(source, storage).uri
    return FhirConversion(
        source, root, lambda: export_files(source, storage), rules.model_dump(mode="json"), text_ids=True
    )
