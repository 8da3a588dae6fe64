"""Score a shard that killed its worker: in child processes, in halves, until the record to blame stands alone."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from schemas.errors import InfrastructureError, WardroundError
from schemas.import_path import python_path
from schemas.rows import STATUS_TYPE
from schemas.status import Status
from schemas.work import ShardTask
from workers.finished_runs.side import SideObjectRef, named_in, uris_in
from workers.pipeline.context import StageContext
from workers.pipeline.halving import ChildDied, Killed, bisect
from workers.pipeline.kinds import ShardTable

_OVERHEAD_S = 900.0
"""For starting the child and loading its models, beside the time that its records may take. Longer than storage that
does not answer is waited for, so that the child says so itself and no record is blamed for it."""
_LATE = "ran out of time"


def score_isolated(context: StageContext, job: Mapping[str, Any], task: ShardTask, records: pa.Table) -> ShardTable:
    """The rows of a shard; a record that kills its process twice while alone gets the status `crashed_worker`, one
    that does not end `timed_out`."""
    written: dict[str, SideObjectRef] = {}

    def run(indices: list[int]) -> dict[int, pa.Table]:
        table = _in_child(context, job, task, indices)
        written.update({ref.key: ref for ref in named_in(table.schema.metadata)})
        # It named the side objects; tables with unlike metadata cannot be put together.
        table = table.replace_schema_metadata(None)
        return {index: table.slice(place, 1) for place, index in enumerate(indices)}

    found = bisect(list(range(records.num_rows)), run)
    parts = [
        _killed(context, records, index, outcome.cause) if isinstance(outcome, Killed) else outcome
        for index, outcome in found.items()
    ]
    # Each child has made its own dictionary of statuses.
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    uris = [] if task.sample else uris_in(table, context.layout.columns)
    return ShardTable(table, vouched=[written[uri] for uri in uris])


def _in_child(context: StageContext, job: Mapping[str, Any], task: ShardTask, indices: Sequence[int]) -> pa.Table:
    with tempfile.TemporaryDirectory(prefix="wardround-isolate-") as folder:
        out = Path(folder) / "rows.arrow"
        request = {
            "job": dict(job),
            "cpus": context.cpus,
            "gpus": context.gpus,
            "shard": task.shard,
            "sample": task.sample,
            "indices": list(indices),
            "out": str(out),
            "parent": os.getpid(),
        }
        limit = _OVERHEAD_S + context.limits.record_timeout * len(indices)
        try:
            done = subprocess.run(
                # -P: the working directory is the user's, and may hold a `types.py` or `queue.py` of its own.
                [sys.executable, "-P", "-m", "workers.pipeline.isolated"],
                env={**os.environ, "PYTHONPATH": python_path()},
                input=json.dumps(request).encode(),
                # Libraries print what they read.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChildDied(_LATE) from None
        # A signal may be a record's doing; an exit code is an error of ours that would come again.
        if done.returncode < 0:
            raise ChildDied(f"killed by signal {-done.returncode}")
        if done.returncode:
            raise _error(done.returncode, done.stderr)
        with pa.OSFile(str(out)) as file:
            return ipc.open_file(file).read_all()


def _error(code: int, stderr: bytes) -> WardroundError:
    lines = stderr.decode(errors="replace").strip().splitlines()
    said = next((line for line in reversed(lines) if line.startswith("wardround: ")), "wardround: it gave no reason")
    kind = InfrastructureError if code == InfrastructureError.exit_code else WardroundError
    return kind(f"a shard could not be scored in a process of its own: {said.removeprefix('wardround: ')}")


def _killed(context: StageContext, records: pa.Table, index: int, cause: str) -> pa.Table:
    layout = context.layout
    status, detail = Status.CRASHED_WORKER, "killed its process twice while alone in it"
    if cause == _LATE:
        status, detail = Status.TIMED_OUT, "was not scored in time, twice, while alone in a process"
    row: dict[str, Any] = {field.name: None for field in layout.schema}
    row.update({field.name: records[field.name][index].as_py() for field in layout.plan_carry})
    row["record_id"] = records["record_id"][index].as_py()
    row["subject_id"] = records["subject_id"][index].as_py()
    row["status"] = str(status)
    row["detail"] = detail
    for column in layout.columns:
        if not column.output:
            row[column.name] = str(status)
    arrays = [
        pa.array([row[field.name]], pa.string()).cast(STATUS_TYPE)
        if field.type == STATUS_TYPE
        else pa.array([row[field.name]], field.type)
        for field in layout.schema
    ]
    return pa.table(arrays, schema=layout.schema)
