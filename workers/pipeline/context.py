"""What a worker knows of its stage before anything heavy is loaded."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from cluster.storage import StorageSettings, Store, open_store, settled
from schemas.arrow_types import parse_type
from schemas.run import RUN_KEY, RunFile
from schemas.spec import Compute, Limits
from workers.calibration.columns import calibrated_columns
from workers.finished_runs.plan import PlanReader
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.rowtable import RowLayout


class StageContext:
    """One stage of one run: its run file, its plan, where it lies, and the settings that change no result."""

    def __init__(self, job: Mapping[str, Any], cpus: float, gpus: float) -> None:
        self.job = job
        """What it was opened with, for processes of its own."""
        self.run_uri: str = job["run_uri"]
        self.stage_dir: str = job["stage_dir"]
        self.cpus = cpus
        self.gpus = gpus
        self.compute = Compute.model_validate(job["compute"])
        self.limits = Limits.model_validate(job["limits"])
        self.storage = StorageSettings.model_validate(job["storage"])
        """For the input, and for nothing else: what may not be read there may be a row."""
        self._input: Mapping[str, Any] = job.get("input", {})
        self.own_storage = self.storage.model_copy(update={"forbidden": "stop"})
        self.store: Store = open_store(self.run_uri, self.own_storage, single_committer=job["single_committer"])
        self.run = self._run_file()
        self.plan = PlanReader(self.store, self.stage_dir + self.run.plan.key, self.run.plan)
        self.budget = ByteBudget(self.compute.prefetch_bytes)
        self.layout = RowLayout(
            plan_carry=carried_fields(self.run, self.plan),
            header_carry=header_fields(self.run),
            columns=self.run.columns,
            subject_from=self.run.parts.get("subject_from"),
            calibrated=calibrated_columns(self.run),
        )

    def _run_file(self) -> RunFile:
        # The driver has read it a moment ago: one answer that it is not there is not enough.
        body = settled(lambda: self.store.get(f"{self.stage_dir}{RUN_KEY}"), self.store.backoff)
        return RunFile.decode(body, RUN_KEY)

    def tightened(self, names: Sequence[str]) -> dict[str, Any]:
        """The input's settings as the run has them, but for these limits where the spec of today has smaller ones."""
        settings = dict(self.run.spec.input)
        for name in names:
            now, then = self._input.get(name), settings.get(name)
            if isinstance(now, int) and (not isinstance(then, int) or now < then):
                settings[name] = now
        return settings


def carried_fields(run: RunFile, plan: PlanReader) -> tuple[pa.Field, ...]:
    """The columns of the plan that the rows have too; others are only for who reads the records."""
    return tuple(field for field in plan.carry_fields if field.name in run.carry)


def header_fields(run: RunFile) -> tuple[pa.Field, ...]:
    """The columns that records give themselves: text where the run names no other type."""
    return tuple(pa.field(name, parse_type(run.header_types.get(name, "string"))) for name in run.header_carry)
