"""Find the entities of clinical notes with wardround and with spaCy's own `nlp.pipe` in turn; print one JSON object.

Both have two cores, the same notes, the same pipeline and the same components. See README.md for the figures.

Usage: bench_nlp.py [--rounds N] [--notes N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import polars as pl
import yaml

from tests.benchmarks.clinical_notes import clinical_note_file, pipeline_folder
from tests.benchmarks.ours import steady_rate
from tests.benchmarks.processes import BUILD, python, run

NOTES = 1536
ROUNDS = 2
PROCESSES = 2
BATCHES = (64, 256)
"""For `nlp.pipe`: the size that is best for wardround's children too, and the pipeline's own; its better one counts."""
SHARD_RECORDS = 64
_TIMEOUT_S = 1800

Entities = list[list[list[object]]]


class WrongAnswer(Exception):
    """The two did not find the same entities."""


def write_spec(path: Path, notes: Path, out: Path) -> Path:
    """A spec over the Parquet file, for two workers of one core each."""
    spec = {
        "job": "predict",
        "name": "bench-nlp",
        "input": {"collection": "notes", "uri": str(notes)},
        "models": {"ner": {"uri": str(pipeline_folder())}},
        "output": {"uri": str(out)},
        "limits": {"sample": 0},
        "compute": {"workers": PROCESSES, "cpus_per_worker": 1, "shard_records": SHARD_RECORDS},
    }
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def ours(notes: Path, records: int) -> tuple[dict[str, float], Entities]:
    """Figures of one run, and what it found."""
    out = BUILD / "out" / "nlp"
    shutil.rmtree(out, ignore_errors=True)
    spec = write_spec(BUILD / "nlp.yaml", notes, out)
    finished = run([sys.executable, "-m", "jobs", "run", str(spec)], BUILD / "logs" / "nlp.log", _TIMEOUT_S)
    rate = steady_rate(out)
    frame = pl.read_parquet(str(out / "predictions" / "*.parquet")).sort("record_id")
    found = [[[e["start"], e["end"], e["label"]] for e in note] for note in frame["entities"].to_list()]
    return {"ours_notes_s": rate, "ours_start_s": finished.seconds - records / rate}, found


def theirs(notes: Path, records: int, batch: int) -> tuple[dict[str, float], Entities]:
    """Figures of one run of `nlp.pipe`, and what it found."""
    out = BUILD / "out" / "nlp-pipe.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    words = [str(notes), str(pipeline_folder()), str(out), str(PROCESSES), str(batch)]
    finished = run(python("contestants/nlp_pipe.py", *words), BUILD / "logs" / "nlp-pipe.log", _TIMEOUT_S)
    said = json.loads(finished.output.splitlines()[-1])
    figures = {f"nlp_pipe_{batch}_notes_s": records / said["seconds"], "nlp_pipe_start_s": said["start_s"]}
    return figures, json.loads(out.read_text())


def summary(rounds: dict[str, list[float]]) -> dict[str, float]:
    """Medians, and ours against the better of theirs."""
    of = {name: median(values) for name, values in rounds.items()}
    best = max(of[f"nlp_pipe_{batch}_notes_s"] for batch in BATCHES)
    of |= {"nlp_pipe_notes_s": best, "ours_vs_nlp_pipe": of["ours_notes_s"] / best}
    return {name: round(value, 3) for name, value in sorted(of.items())}


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits both; every round must find the same entities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--notes", type=int, default=NOTES)
    arguments = parser.parse_args(argv)
    notes = clinical_note_file(BUILD, arguments.notes)
    rounds: dict[str, list[float]] = {}
    for number in range(arguments.rounds):
        found = [ours(notes, arguments.notes)]
        found += [theirs(notes, arguments.notes, batch) for batch in BATCHES]
        if any(entities != found[0][1] for _, entities in found):
            raise WrongAnswer("wardround and nlp.pipe did not find the same entities")
        for figures, _ in found:
            for name, value in figures.items():
                rounds.setdefault(name, []).append(value)
                print(f"round {number + 1}  {name:<24}{value:10.2f}", flush=True)
    print(json.dumps(summary(rounds)))


if __name__ == "__main__":
    main()
