"""Decode and score DICOM objects of many transfer syntaxes: wardround, Ray Data, and the limit; one JSON line.

Prints a table of decoders first. Processes are timed from their start to their end, in turns. See README.md for what
each figure means.

Usage: bench_dicom.py [--rounds N] [--objects HUNDREDS]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq
import yaml

from tests.benchmarks import answers, dicom_decoders, dicom_scores
from tests.benchmarks.dicom_objects import HUNDRED, archive, planned
from tests.benchmarks.processes import BUILD, keep_to, python, run

OBJECTS = 3_000
ROUNDS = 2
WORKERS = 2
SHARD_RECORDS = 25
FOLDER = BUILD / "dicom"
_LONGEST = 3600.0


@dataclass
class Bench:
    """What was measured so far."""

    objects: int
    model: Path
    decoders: Mapping[str, str]
    expected: Mapping[str, answers.Scores]
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<28}{value:12.3f}", flush=True)

    def round(self) -> None:
        """Ours, Ray Data, the limit."""
        self._ours()
        self.note("raydata_s", self._raydata())
        self.note("limit_s", self._limit())

    def summary(self) -> dict[str, float | int]:
        """Medians, and ours against the others."""
        of = {name: median(values) for name, values in self.figures.items()}
        figures = {
            "ours_vs_raydata": of["raydata_s"] / of["ours_s"],
            "ours_vs_limit": of["limit_s"] / of["ours_without_start_s"],
            **of,
        }
        return {
            "objects": self.objects,
            **{name: round(value, 8 if name == "off_by" else 3) for name, value in figures.items()},
        }

    def _ours(self) -> None:
        """Raises WrongAnswer where a score is missing or wrong."""
        out = FOLDER / "out" / "ours"
        shutil.rmtree(out, ignore_errors=True)
        spec = write_spec(FOLDER / "ours.yaml", archive(FOLDER, self.objects), self.model, out)
        log = BUILD / "logs" / "dicom-ours.log"
        finished = run([sys.executable, "-m", "jobs", "run", str(spec)], log, _LONGEST)
        found = {Path(name).stem: scores for name, scores in answers.read_columns(out / "predictions").items()}
        self.note("off_by", dicom_scores.check(found, self.expected))
        sizes = {one.name: one.kind.nbytes / 1e6 for one in planned(self.objects)}
        rate = steady_rate(out, sizes)
        self.note("ours_s", finished.seconds)
        self.note("ours_mb_s", rate)
        self.note("ours_without_start_s", sum(sizes.values()) / rate)

    def _raydata(self) -> float:
        out = FOLDER / "out" / "raydata"
        shutil.rmtree(out, ignore_errors=True)
        command = python("contestants/dicom_raydata.py", str(archive(FOLDER, self.objects)), str(out))
        finished = run(command, BUILD / "logs" / "dicom-raydata.log", _LONGEST)
        dicom_scores.check(answers.read_lists(out), self.expected)
        return finished.seconds

    def _limit(self) -> float:
        folder, names = archive(FOLDER, self.objects), json.dumps(self.decoders)
        command = python("contestants/dicom_limit.py", str(folder), str(self.objects), names)
        answer = json.loads(run(command, BUILD / "logs" / "dicom-limit.log", _LONGEST).output)
        for syntax, seconds in answer["by_syntax"].items():
            self.note(f"limit_core_s_{syntax}", seconds)
        return float(answer["seconds"])


def steady_rate(out: Path, sizes: Mapping[str, float]) -> float:
    """MB a second of a finished run once every worker is at work: of what was committed after the moment at which as
    many shards lay there as there are workers, over the time from then to the last commit."""
    shards = sorted((path.stat().st_mtime, path) for path in (out / "predictions").glob("shard-*.parquet"))
    counted = shards[WORKERS:]
    ids = [name for _, path in counted for name in pq.read_table(path, columns=["record_id"])["record_id"].to_pylist()]
    return sum(sizes[Path(name).stem] for name in ids) / (counted[-1][0] - shards[WORKERS - 1][0])


def write_spec(path: Path, objects: Path, model: Path, out: Path) -> Path:
    """A spec over a folder of objects, for two workers of one core each."""
    spec = {
        "job": "predict",
        "name": "bench-dicom",
        "input": {"collection": "images", "uri": f"{objects}/", "format": "dicom"},
        "models": {"cnn": {"uri": str(model)}},
        "output": {"uri": str(out)},
        "compute": {"workers": WORKERS, "cpus_per_worker": 1, "shard_records": SHARD_RECORDS},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def measured_table(folder: Path, objects: int) -> dict[str, dict[str, float | str]]:
    """The rates of all decoders on one pinned core, printed."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        found = dicom_decoders.table(folder, objects)
    finally:
        os.sched_setaffinity(0, cores)
    print("MB of decoded pixels a second, one core:")
    for syntax, row in found.items():
        for name, rate in sorted(row.items(), key=lambda pair: -pair[1] if isinstance(pair[1], float) else 1.0):
            shown = f"{rate:10.1f}" if isinstance(rate, float) else f"  {rate}"
            print(f"  {syntax:<16}{name:<24}{shown}", flush=True)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    given = parser.parse_args(argv)
    if given.objects % HUNDRED or not given.objects:
        parser.error(f"--objects {given.objects}: must be whole hundreds")
    keep_to(WORKERS)
    folder = archive(FOLDER, given.objects)
    rates = measured_table(folder, given.objects)
    chosen = dicom_decoders.fastest(rates)
    bench = Bench(
        given.objects, dicom_scores.write_model(FOLDER / "model"), chosen, dicom_scores.expected(given.objects)
    )
    for _ in range(given.rounds):
        bench.round()
    shown = {
        syntax: {name: round(rate, 1) if isinstance(rate, float) else rate for name, rate in row.items()}
        for syntax, row in rates.items()
    }
    print(json.dumps({**bench.summary(), "fastest": chosen, "mb_s": shown}))


if __name__ == "__main__":
    main()
