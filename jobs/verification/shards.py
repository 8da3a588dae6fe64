"""The plan and the shard objects of one stage, read whole and held against each other."""

import io
import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from cluster.storage import sha256_of
from jobs.finishing import CountedStage
from jobs.rundir import StageDirectory, shard_record
from jobs.verification.found import Verified, read
from schemas.errors import VerificationError
from schemas.figures import Figures
from schemas.rows import row_schema
from schemas.run import FileRecord, RunFile, shard_key
from workers.finished_runs.figures import figures_in, figures_of
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.shards import own_metadata
from workers.finished_runs.side import SideObjectRef, named_in, uris_in
from workers.pipeline.context import carried_fields, header_fields
from workers.pipeline.rowtable import column_totals, model_status_counts, status_counts
from workers.pipeline.seal import intact_sha256
from workers.reading.parquet_bounds import parquet_table


def check_stage(stage: StageDirectory, found: Verified) -> CountedStage | None:
    """All that its rows and their footers say; None where a plan or a shard is not as it must be, with its faults."""
    run, before = stage.run, len(found.faults)
    if not stage.plan_is_whole():
        found.fault(
            f"{stage.directory}{run.plan.key} is missing or not the plan that run.json names: "
            "its shards cannot be checked"
        )
        return None
    plan = PlanReader(stage.store, stage.directory + run.plan.key, run.plan)
    check = _ShardCheck(stage, plan, found)
    shards = {shard: check.record(shard) for shard in range(run.plan.shards)}
    if len(found.faults) > before:
        return None
    return CountedStage(stage, {shard: record for shard, record in shards.items() if record}, check.side)


class _ShardCheck:
    """Reads the shards of one stage, one after the other."""

    def __init__(self, stage: StageDirectory, plan: PlanReader, found: Verified) -> None:
        self._stage, self._plan, self._found = stage, plan, found
        self._schema = row_schema([*carried_fields(stage.run, plan), *header_fields(stage.run)], stage.run.columns)
        self.side: list[FileRecord] = []
        """What the rows vouch for, in the order of the shards."""

    def record(self, shard: int) -> FileRecord | None:
        """What one shard object says of itself, once it is proved; None with a fault."""
        run = self._stage.run
        key = self._stage.directory + shard_key(run.rows_dir, shard)
        body = read(self._stage.store, key, self._found)
        if body is None:
            return None
        if intact_sha256(io.BytesIO(body)) is None:
            self._found.fault(f"{key} is damaged: its seal is broken")
            return None
        table = parquet_table(pa.BufferReader(body))
        self._found.rows += table.num_rows
        metadata = own_metadata(table.schema)
        try:
            record = self._with_models(shard_record(key, len(body), sha256_of(body), metadata), table)
            named = named_in(table.schema.metadata)
        except (KeyError, ValueError, VerificationError):
            self._found.fault(f"{key} does not say what a shard object says of itself")
            return None
        faults = [
            *self._against_plan(table, shard, metadata),
            *_against_itself(table, run, record, named),
        ]
        for fault in faults:
            self._found.fault(f"{key} {fault}")
        self.side += [FileRecord(key=ref.key, bytes=ref.bytes, sha256=ref.sha256) for ref in named]
        return None if faults else record

    def _with_models(self, record: FileRecord, table: pa.Table) -> FileRecord:
        """The record of an object from before footers had the statuses in each model, with these."""
        columns = self._stage.run.columns
        if record.models is not None or not {column.name for column in columns} <= set(table.column_names):
            return record
        return record.model_copy(update={"models": model_status_counts(table, columns) or None})

    def _against_plan(self, table: pa.Table, shard: int, metadata: Mapping[str, str]) -> list[str]:
        run = self._stage.run
        if metadata.get("fingerprint") != run.fingerprint:
            return ["carries the fingerprint of another run"]
        if (metadata.get("shard"), metadata.get("plan")) != (str(shard), run.plan.sha256):
            return [f"holds the rows of shard {metadata.get('shard')}, or of another plan"]
        if not table.schema.equals(self._schema, check_metadata=False):
            return ["has other columns than the run declares"]
        if not table["record_id"].combine_chunks().equals(self._plan.record_ids(shard).combine_chunks()):
            return ["does not hold the planned records in plan order"]
        return []


def _against_itself(table: pa.Table, run: RunFile, record: FileRecord, named: Sequence[SideObjectRef]) -> list[str]:
    """Where the rows are not what the footer says of them."""
    if not {column.name for column in run.columns} <= set(table.column_names):
        return []
    faults = []
    if record.models != (model_status_counts(table, run.columns) or None):
        faults.append("has other statuses in its models than its footer says")
    if not _same_figures(figures_in(table.schema.metadata), figures_of(table, run.columns)):
        faults.append("has other figures in its footer than its rows come to")
    if record.rows != table.num_rows or record.statuses != status_counts(table):
        faults.append("has other rows or statuses than its footer says")
    if not _same_totals(record.totals or {}, column_totals(table, run.columns)):
        faults.append("has other totals than its footer says")
    if len(named) != (record.side or 0):
        faults.append("does not name all side objects that it counts")
    if not {ref.key for ref in named} >= set(uris_in(table, run.columns)):
        faults.append("refers to side objects that it does not vouch for")
    return faults


def _same_figures(then: Figures | None, now: Figures) -> bool:
    """What an older version did not count is not held against it."""
    if then is None:
        return True
    return then == (now.model_copy(update={"by_value": None}) if then.by_value is None else now)


def _same_totals(then: Mapping[str, tuple[float, int]], now: Mapping[str, tuple[float, int]]) -> bool:
    """Sums of the same values in another order of chunks differ by rounding."""
    return then.keys() == now.keys() and all(
        count == now[name][1] and math.isclose(total, now[name][0], rel_tol=1e-9, abs_tol=1e-9)
        for name, (total, count) in then.items()
    )
