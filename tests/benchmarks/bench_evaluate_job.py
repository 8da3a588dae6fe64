"""`make bench-evaluate-job`: a whole `job: evaluate` of many rows as a process, beside the exact area; one JSON line.

Usage: python tests/benchmarks/bench_evaluate_job.py [rows] [folder]. A finished run with so many rows of a score and a
truth is written first, a shard at a time, by what writes every run; 10^8 rows take about 3 GiB of disk.
"""

import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

from cluster.storage import open_store
from jobs.finishing import finish
from jobs.opening import StageRequest, open_stage
from schemas.plan import plan_batch, plan_schema
from schemas.rows import stage_columns
from schemas.spec import parse_spec
from schemas.status import Status
from schemas.work import ShardTask
from tests.benchmarks.processes import Finished, run
from tests.support.open_stages import SPEC, context_of
from workers.collection import StagePlan
from workers.pipeline.publish import publish
from workers.pipeline.rowtable import build_rows
from workers.statistics.logistic import expit

SHARD = 500_000
LEVELS = 2**24
"""Scores are whole multiples of 1 / LEVELS: their exact area is then found by counting."""


def part(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores as float32 and truths as 0 or 1; every part of its own seed."""
    generator = np.random.default_rng(seed)
    truth = (generator.random(rows) < 0.3).astype(np.int64)
    probability = expit(generator.normal(size=rows) + 1.5 * truth - 1)
    return (np.floor(probability * LEVELS) / LEVELS).astype(np.float32), truth


def sizes(rows: int) -> Iterator[tuple[int, int, int]]:
    """Number, first record and size of each shard."""
    for number, start in enumerate(range(0, rows, SHARD)):
        yield number, start, min(SHARD, rows - start)


def write_run(folder: Path, rows: int) -> None:
    """The run that is evaluated."""
    schema = plan_schema([pa.field("ill", pa.int64()), pa.field("sex", pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        for number, start, size in sizes(rows):
            ids = pa.array(np.arange(start, start + size)).cast(pa.string())
            sexes = pa.array(["f", "m"]).take(pa.array(np.arange(size) % 2))
            uris = pa.array(["/archive"]).take(pa.array(np.zeros(size, np.int64)))
            truth = pa.array(part(number, size)[1])
            yield plan_batch(schema, {"record_id": ids, "ill": truth, "sex": sexes, "uri": uris})

    columns = stage_columns("model", ("score", "float32", "a score"))
    plan = StagePlan("predict", schema, batches, carry=("ill", "sex"), shard_records=SHARD)
    request = StageRequest(plan, parse_spec(SPEC), "", "predictions", {"numerics": "float32"}, columns)
    stage = open_stage(open_store(str(folder)), request)
    context = context_of(stage)
    for number, _, size in sizes(rows):
        records = context.plan.shard(number)
        table = build_rows(records, context.layout, {"score": pa.array(part(number, size)[0])}, [Status.OK] * size)
        publish(context, ShardTask(number), table, records["record_id"])
    finish([stage], {}, None)


def exact_area(rows: int) -> float:
    """By counting: the share of pairs of a positive and a negative in which the positive has more, ties half."""
    counts = np.zeros((2, LEVELS + 1), np.int64)
    for number, _, size in sizes(rows):
        scores, truth = part(number, size)
        levels = (scores.astype(np.float64) * LEVELS).astype(np.int64)
        for one in (0, 1):
            counts[one] += np.bincount(levels[truth == one], minlength=LEVELS + 1)
    below = np.cumsum(counts[0]) - counts[0]
    pairs = np.sum(counts[1].astype(np.longdouble) * (below + counts[0] / 2))
    return float(pairs / (np.longdouble(counts[0].sum()) * np.longdouble(counts[1].sum())))


class Memory:
    """Largest sum of what a process and all of its children held at one time, looked at ten times a second."""

    def __init__(self) -> None:
        self.peak = 0
        self._next = 0.0

    def __call__(self, pid: int) -> None:
        """Look, where it is time."""
        if time.perf_counter() < self._next:
            return
        self._next = time.perf_counter() + 0.1
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            held = sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
            self.peak = max(self.peak, held)


def evaluate(folder: Path, memory: Memory) -> Finished:
    """The command as people start it."""
    spec = folder / "spec.yaml"
    spec.write_text(
        "job: evaluate\nname: many-rows\n"
        f"input: {{run: {folder / 'run'}, outcomes: {{ill: {{score: score, truth: ill}}}}, groups: {{sex: {{}}}}}}\n"
        f"output: {{uri: {folder / 'out'}}}\ncompute: {{pool: serial}}\n"
    )
    return run([sys.executable, "-m", "jobs", "run", str(spec)], folder / "run.log", timeout=7200, watch=memory)


def main() -> int:
    """One JSON line."""
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**8
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="bench-evaluate-"))
    start = time.perf_counter()
    write_run(folder / "run", rows)
    making = time.perf_counter() - start
    memory = Memory()
    job = evaluate(folder, memory)
    figures = json.loads((folder / "out" / "metrics.json").read_text())["outcomes"]["ill"]["all"]
    area = next(one for one in figures if one["figure"] == "auroc")
    exact = exact_area(rows)
    told = {
        "rows": rows,
        "seconds": round(job.seconds, 1),
        "peak_mib": round(memory.peak / 2**20),
        "seconds_to_make_run": round(making, 1),
        "auroc": area["value"],
        "note": area["note"],
        "exact": exact,
        "error": abs(area["value"] - exact),
    }
    print(json.dumps(told))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
