"""Prove a finished run: read every object again and hold it against the manifest and the plan."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.storage import ObjectMissing, Store, sha256_of
from jobs.finishing import stage_tables
from jobs.rundir import StageDirectory, add_counts
from jobs.verification.rechecking import recheck
from schemas.errors import VerificationError
from schemas.rows import row_schema
from schemas.run import MANIFEST_KEY, RUN_KEY, FileRecord, Manifest, RunFile, shard_of
from workers.collection import Recheck
from workers.finished_runs.documents import existing_manifest, read_run
from workers.finished_runs.plan import PlanReader
from workers.finished_runs.shards import fingerprint_in
from workers.finished_runs.side import named_in, uris_in
from workers.pipeline.context import carried_fields, header_fields
from workers.pipeline.rowtable import status_counts
from workers.pipeline.seal import intact_sha256

_NAMED = 5


@dataclass
class Verified:
    """What was read, and every fault that was found."""

    objects: int = 0
    rows: int = 0
    bytes: int = 0
    recheck: Recheck | None = None
    """What a sample of rows said when it was computed again; None where the collection cannot."""
    faults: list[str] = field(default_factory=list)


def verify(store: Store, *, with_source: bool = True) -> Verified:
    """Check every object of a complete run, and, `with_source`, a sample of its rows against the input.

    Raises IncompleteError without a manifest, VerificationError on a fault, InfrastructureError where the run or the
    source cannot be reached.
    """
    manifest = existing_manifest(store)
    found = Verified()
    by_key = {record.key: record for record in manifest.files}
    for stage in _stages(store, manifest):
        _check_stage(stage, by_key, found)
    _check_totals(manifest, found)
    shards = {f"{stage.directory}{stage.run.rows_dir}/" for stage in _stages(store, manifest)}
    if not found.faults:
        _check_tables(_stages(store, manifest), manifest, found)
    if with_source and not found.faults:
        found.recheck = recheck(_stages(store, manifest), found.faults)
    for record in manifest.files:
        if not any(record.key.startswith(prefix) for prefix in shards):
            _check_bytes(store, record, found)
    if found.faults:
        more = f"; and {len(found.faults) - _NAMED} more" if len(found.faults) > _NAMED else ""
        raise VerificationError("; ".join(found.faults[:_NAMED]) + more)
    return found


def _stages(store: Store, manifest: Manifest) -> Iterator[StageDirectory]:
    for record in manifest.files:
        if record.key.endswith(RUN_KEY):
            directory = record.key.removesuffix(RUN_KEY)
            run = read_run(store, directory)
            if run is None:
                raise VerificationError(f"{record.key} is missing, and the manifest names it")
            yield StageDirectory(store, directory, run)


def _check_stage(stage: StageDirectory, by_key: dict[str, FileRecord], found: Verified) -> None:
    run = stage.run
    if not _check_plan(stage, by_key, found):
        return
    plan = PlanReader(stage.store, stage.directory + run.plan.key, run.plan)
    schema = row_schema([*carried_fields(run, plan), *header_fields(run)], run.columns)
    listed = {info.key for info in stage.store.list(f"{stage.directory}{run.rows_dir}/")}
    named = {key for key in by_key if key.startswith(f"{stage.directory}{run.rows_dir}/")}
    for key in sorted(listed - named):
        found.faults.append(f"{key} is there and the manifest does not name it")
    for key in sorted(named):
        shard = shard_of(key.removeprefix(stage.directory), run.rows_dir)
        body = _check_bytes(stage.store, by_key[key], found)
        if body is not None and shard is not None:
            table = _check_shard(body, shard, plan, schema, by_key[key], run.fingerprint, found)
            _check_side_objects(table, run, by_key[key], by_key, found)
    if len(named) != run.plan.shards:
        found.faults.append(
            f"the manifest names {len(named)} shards of stage {run.stage}, the plan has {run.plan.shards}"
        )


def _check_plan(stage: StageDirectory, by_key: dict[str, FileRecord], found: Verified) -> bool:
    """Whether the plan is the one that the run names, so that its shards can be held against it."""
    key = stage.directory + stage.run.plan.key
    whole = stage.plan_is_whole()
    if not whole:
        found.faults.append(f"{key} is missing or not the plan that run.json names: its shards cannot be checked")
    elif key not in by_key:
        found.faults.append(f"{key} is not named by the manifest")
    return whole


def _check_bytes(store: Store, record: FileRecord, found: Verified) -> bytes | None:
    try:
        body = store.get(record.key)
    except ObjectMissing:
        found.faults.append(f"{record.key} is missing")
        return None
    found.objects += 1
    found.bytes += len(body)
    if len(body) != record.bytes or sha256_of(body) != record.sha256:
        found.faults.append(f"{record.key} is not the object that the manifest names: its sha256 differs")
        return None
    return body


def _check_shard(
    body: bytes, shard: int, plan: PlanReader, schema: pa.Schema, record: FileRecord, fingerprint: str, found: Verified
) -> pa.Table | None:
    """The rows, where their columns are those that the run declares."""
    if intact_sha256(io.BytesIO(body)) is None:
        found.faults.append(f"{record.key} is damaged: its seal is broken")
        return None
    file = pq.ParquetFile(pa.BufferReader(body))
    table = file.read()
    found.rows += table.num_rows
    if fingerprint_in(file.schema_arrow) != fingerprint:
        found.faults.append(f"{record.key} carries the fingerprint of another run")
    if not table.schema.equals(schema, check_metadata=False):
        found.faults.append(f"{record.key} has other columns than the run declares")
        return None
    if not table["record_id"].combine_chunks().equals(plan.record_ids(shard).combine_chunks()):
        found.faults.append(f"{record.key} does not hold the planned records in plan order")
    elif status_counts(table) != dict(record.statuses or {}):
        found.faults.append(f"{record.key} has other statuses than the manifest says")
    return table


def _check_side_objects(
    table: pa.Table | None, run: RunFile, record: FileRecord, by_key: Mapping[str, FileRecord], found: Verified
) -> None:
    """What rows refer to is what their footer vouches for, and the manifest names all of that."""
    if table is None:
        return
    named = {ref.key: ref for ref in named_in(table.schema.metadata)}
    if len(named) != (record.side or 0):
        found.faults.append(f"{record.key} names {len(named)} side objects, the manifest {record.side or 0}")
    if not named.keys() >= set(uris_in(table, run.columns)):
        found.faults.append(f"{record.key} refers to side objects that it does not vouch for")
    for key, ref in named.items():
        if key not in by_key or by_key[key].sha256 != ref.sha256:
            found.faults.append(f"{key} is not named by the manifest as {record.key} has it")


def _check_totals(manifest: Manifest, found: Verified) -> None:
    last = [record.statuses for record in manifest.files if record.statuses and not record.key.startswith("stages/")]
    if add_counts(last) != dict(manifest.statuses) or sum(manifest.statuses.values()) != manifest.records:
        found.faults.append(f"{MANIFEST_KEY} does not add up: its totals are not the sum of its shards")


def _check_tables(stages: Iterable[StageDirectory], manifest: Manifest, found: Verified) -> None:
    """The tables of counts are those that the stages' rows hold."""
    said: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for stage in stages:
        said |= stage_tables(stage.finished())
    if said != dict(manifest.tables):
        found.faults.append(f"{MANIFEST_KEY} has other tables than the rows of its stages")
