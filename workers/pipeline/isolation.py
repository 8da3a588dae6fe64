"""Score a shard that killed its worker, hung it, or was too much for its device: in child processes, which may die.

A child says which records it has at hand. What it finished stays; who is at hand when it dies, does not end, or finds
no memory is tried alone in a fresh one, and what happens there is the record's own doing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
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
from workers.children import memory, wire
from workers.children.chunk import Answer, in_turn
from workers.finished_runs.side import SideObjectRef, named_in, uris_in
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable

_TOGETHER = 16
"""Records that a child has at hand at a time, until one of them is to be told from the others."""
_OVERHEAD_S = 900.0
"""Wall time for loading models, and beside what a record may compute: longer than storage that does not answer is
waited for, so that the child says so itself and no record is blamed for it."""
_LOOK_S = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


def score_isolated(context: StageContext, job: Mapping[str, Any], task: ShardTask, records: pa.Table) -> ShardTable:
    """The rows of a shard. A record that kills its process twice while alone gets the status `crashed_worker`, one that
    computes longer than `limits.record_timeout` `timed_out`, one for which alone there is no memory `too_large`."""
    written: dict[str, SideObjectRef] = {}

    def ask(indices: Sequence[int]) -> Answer[pa.RecordBatch]:
        return _in_child(context, job, task, indices, written)

    def condemn(index: int, answer: Answer[pa.RecordBatch]) -> pa.RecordBatch:
        return _condemned(context, records, index, answer)

    parts = in_turn(range(records.num_rows), ask, condemn)
    # Each child has made its own dictionary of statuses.
    table = pa.Table.from_batches(parts, context.layout.schema).unify_dictionaries().combine_chunks()
    uris = [] if task.sample else uris_in(table, context.layout.columns)
    return ShardTable(table, vouched=[written[uri] for uri in uris])


def _in_child(
    context: StageContext,
    job: Mapping[str, Any],
    task: ShardTask,
    indices: Sequence[int],
    written: dict[str, SideObjectRef],
) -> Answer[pa.RecordBatch]:
    with tempfile.TemporaryDirectory(prefix="wardround-isolate-") as folder:
        out = Path(folder) / "rows.arrow"
        together = _TOGETHER if len(indices) > _TOGETHER else 1
        page = memory.create(memory.Progress.SIZE)
        progress = memory.Progress(page)
        progress.publish(-1)
        request = {
            "job": dict(job),
            "cpus": context.cpus,
            "gpus": context.gpus,
            "shard": task.shard,
            "sample": task.sample,
            "indices": list(indices),
            "together": together,
            "out": str(out),
            "page": page,
            "parent": os.getpid(),
        }
        limit = context.limits.record_timeout
        try:
            code, said, late = _run(request, page, progress, limit, max(1.0, context.cpus))
        finally:
            os.close(page)
        done = progress.read()[0]
        rows = _rows(out, max(0, done), written)
        return _answer(code, said, late, rows, done, len(indices), together)


def _run(
    request: Mapping[str, Any], page: int, progress: memory.Progress, limit: float, cpus: float
) -> tuple[int, bytes, bool]:
    """Exit code, what it said, and whether it was killed for being late."""
    with tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(
            # -P: the working directory is the user's, and may hold a `types.py` or `queue.py` of its own.
            [sys.executable, "-P", "-m", "workers.pipeline.isolated"],
            env={**os.environ, "PYTHONPATH": python_path()},
            pass_fds=(page,),
            stdin=subprocess.PIPE,
            # Libraries print what they read.
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            late = _is_late(child, progress, limit, cpus)
        except BrokenPipeError:
            late = False
        finally:
            if child.poll() is None:
                child.kill()
        code = child.wait()
        stderr.seek(0)
        return code, stderr.read(), late


def _is_late(child: subprocess.Popen[bytes], progress: memory.Progress, limit: float, cpus: float) -> bool:
    """Wait for its end; True as soon as what it has at hand takes too long.

    Computing is what is timed: a record is not late because storage is. What computes nothing, and does not end
    either, is late in the end too.
    """
    at_hand, computed, began = -1, 0.0, time.monotonic()
    while True:
        try:
            child.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            now, spent = time.monotonic(), _cpu_seconds(child.pid)
        else:
            return False
        index = progress.read()[0]
        if index != at_hand:
            at_hand, computed, began = index, spent, now
        # Starting counts as waiting: loading a model may take long.
        if index >= 0 and spent - computed > limit * cpus:
            return True
        if now - began > limit + _OVERHEAD_S:
            return True


def _cpu_seconds(pid: int) -> float:
    """Processor seconds of all its threads; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rows(out: Path, done: int, written: dict[str, SideObjectRef]) -> list[pa.RecordBatch]:
    """A batch of one row for each record that is done; what the rows vouch for is added to `written`."""
    rows: list[pa.RecordBatch] = []
    if not out.exists():
        return rows
    with pa.OSFile(str(out)) as file:
        try:
            reader = ipc.open_stream(file)
            while len(rows) < done:
                batch, metadata = reader.read_next_batch_with_custom_metadata()
                written.update({ref.key: ref for ref in named_in(metadata and metadata.to_dict())})
                rows += [batch.slice(place, 1) for place in range(batch.num_rows)]
        except (pa.ArrowInvalid, StopIteration, OSError):
            # It died while it wrote.
            pass
    return rows[:done]


def _answer(
    code: int, said: bytes, late: bool, rows: list[pa.RecordBatch], done: int, asked: int, together: int
) -> Answer[pa.RecordBatch]:
    if done >= asked and len(rows) == asked:
        return Answer(rows)
    cause = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    at_hand = min(together, asked - len(rows))
    if late:
        return Answer(rows, "timed_out" if done >= 0 else "lost", cause, at_hand)
    if code == wire.EXIT_MEMORY and done >= 0:
        return Answer(rows, "out_of_memory", cause, at_hand)
    # A signal may be a record's doing; an exit code is an error of ours that would come again.
    if code >= 0:
        raise _error(code, said)
    return Answer(rows, "died" if done >= 0 else "lost", cause, at_hand)


def _error(code: int, stderr: bytes) -> WardroundError:
    lines = stderr.decode(errors="replace").strip().splitlines()
    said = next((line for line in reversed(lines) if line.startswith("wardround: ")), "wardround: it gave no reason")
    kind = InfrastructureError if code == InfrastructureError.exit_code else WardroundError
    return kind(f"a shard could not be scored in a process of its own: {said.removeprefix('wardround: ')}")


_WHY: Mapping[str, tuple[Status, str]] = {
    "timed_out": (Status.TIMED_OUT, "scoring it alone took longer than limits.record_timeout"),
    "out_of_memory": (Status.TOO_LARGE, "the device has no memory for it, alone in a fresh process"),
}


def _condemned(context: StageContext, records: pa.Table, index: int, answer: Answer[pa.RecordBatch]) -> pa.RecordBatch:
    layout = context.layout
    killed = f"killed its process twice while alone in it ({answer.cause})"
    status, detail = _WHY.get(answer.end, (Status.CRASHED_WORKER, killed))
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
    return pa.record_batch(arrays, schema=layout.schema)
