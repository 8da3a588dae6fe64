"""Plan, resume and list at scale; memory of short and long runs. Prints one JSON object at the end.

See README.md for what each figure means.

Usage: bench_scale.py [--only PART ...] [--records N] [--objects N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import ours
from tests.benchmarks.images import image_files
from tests.benchmarks.processes import BUILD, python, run
from tests.benchmarks.scale.objects import BUCKET, bucket_of
from tests.benchmarks.scale.records import ROOT, table_of
from tests.benchmarks.scale.specs import write_spec

RECORDS = 5_000_000
OBJECTS = 100_000
POINTS = ((50_000, 5), (500_000, 3))
"""Smaller tables, and how often each is planned: they take so little time that once says little."""
RUNS = (2_000, 20_000)
SIDE = 32
"""Pixels of the images of the memory part: their number counts, not their size."""
PARTS = ("plan", "list", "memory")


def plan_part(records: int) -> dict[str, Any]:
    """Plan tables of three sizes, then the largest again with half of its shards committed."""
    points = [_point(size, times) for size, times in (*POINTS, (records, 1))]
    spec = _table_spec(records)
    planned = _planned(spec)
    print(f"plan {records}: {planned['process_seconds']:.1f} s, {planned['peak_rss'] / 1e9:.2f} GB", flush=True)
    committed = int(run(python("scale/half_done.py", str(spec)), BUILD / "logs/half_done.log").output)
    resumed = _planned(spec)
    if resumed["missing"] + committed != resumed["shards"]:
        raise SystemExit(f"{resumed['missing']} shards are missing of {resumed['shards']}, {committed} were committed")
    print(f"resume: {resumed['process_seconds']:.1f} s, {committed} of {resumed['shards']} shards done", flush=True)
    return {
        "plan_5m_s": round(planned["process_seconds"], 2),
        "plan_5m_rss_gb": round(planned["peak_rss"] / 1e9, 3),
        "resume_5m_s": round(resumed["process_seconds"], 2),
        "points": points,
    }


def _point(records: int, times: int) -> tuple[int, float]:
    """Seconds to plan a table in a process that has planned another before: the median of several processes."""
    planned = [_planned(_table_spec(records), warm_up=_table_spec(1)) for _ in range(times)]
    seconds = median(each["seconds"] for each in planned)
    print(f"plan {records}, warm: {seconds:.2f} s, {1e6 * seconds / records:.2f} s a million records", flush=True)
    return records, round(seconds, 3)


def list_part(objects: int) -> dict[str, Any]:
    """List and plan a prefix of many objects on SeaweedFS."""
    with bucket_of(BUILD / f"s3-{objects}", objects) as server:
        source = {"uri": f"s3://{BUCKET}/cxr/", "format": "png"}
        spec = _spec(f"list-{objects}", source, endpoint_url=server.endpoint_url)
        planned = _planned(spec, server.environment)
    if planned["records"] != objects:
        raise SystemExit(f"{planned['records']} records were planned, {objects} objects lie there")
    print(f"list {objects}: {planned['process_seconds']:.1f} s", flush=True)
    return {"list_100k_s": round(planned["process_seconds"], 2)}


def memory_part() -> dict[str, Any]:
    """Peak memory of a run in one process, with few records and with ten times as many."""
    peaks = {images: _run_peak(images) for images in RUNS}
    for images, peak in peaks.items():
        print(f"run of {images} images: {peak / 2**20:.0f} MB at most", flush=True)
    return {f"run_{images // 1000}k_rss_mb": round(peak / 2**20, 1) for images, peak in peaks.items()}


def _run_peak(images: int) -> int:
    folder = image_files(BUILD, images, SIDE)
    source = {"uri": str(folder), "format": "png", "bytes_column": "png", "record_id": "id"}
    spec = _spec(f"run-{images}", source, {"pool": "serial", "shard_records": 250, "batch": 16})
    finished = run([sys.executable, "-m", "jobs", "run", str(spec)], BUILD / f"logs/run-{images}.log", timeout=500)
    manifest = json.loads((BUILD / f"scale/out-run-{images}/manifest.json").read_text())
    if manifest["statuses"] != {"ok": images}:
        raise SystemExit(f"the run of {images} images ended with {manifest['statuses']}")
    return finished.peak_rss


def _table_spec(records: int) -> Path:
    table = table_of(BUILD / "scale", records)
    source = {"uri": str(table), "record_id": "record_id", "subject_id": "subject_id", "roots": [ROOT]}
    return _spec(f"plan-{records}", source)


def _spec(
    name: str, source: Mapping[str, Any], compute: Mapping[str, Any] | None = None, endpoint_url: str = ""
) -> Path:
    """A spec whose output is empty."""
    out = BUILD / f"scale/out-{name}"
    shutil.rmtree(out, ignore_errors=True)
    model = ours.write_model(BUILD / "model")
    return write_spec(BUILD / f"scale/{name}.yaml", source, model, out, compute or {}, endpoint_url)


def _planned(spec: Path, environment: Mapping[str, str] | None = None, warm_up: Path | None = None) -> dict[str, Any]:
    """What scale/plan.py says of a fresh process, and how long that took from its start to its end."""
    arguments = [str(spec), *([str(warm_up)] if warm_up else [])]
    finished = run(python("scale/plan.py", *arguments), BUILD / "logs/plan.log", environment=environment)
    return {**json.loads(finished.output), "process_seconds": finished.seconds}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the parts asked for; figures of parts left out are left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    arguments = parser.parse_args(argv)
    parts = {
        "plan": lambda: plan_part(arguments.records),
        "list": lambda: list_part(arguments.objects),
        "memory": memory_part,
    }
    found: dict[str, Any] = {}
    for name in arguments.only:
        found |= parts[name]()
    order = ("plan_5m_s", "plan_5m_rss_gb", "resume_5m_s", "list_100k_s", "points", "run_2k_rss_mb", "run_20k_rss_mb")
    print(json.dumps({name: found[name] for name in order if name in found}))


if __name__ == "__main__":
    main()
