"""Score 20 million events of 200,000 histories by a GRU, and a tenth of them by a plain PyTorch DataLoader, in turn.

Start-up is taken apart from both. Prints one JSON object at the end; see README.md for what each figure means.

Usage: bench_events.py [--rounds N] [--subjects N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import yaml

from tests.benchmarks.histories import CODES, Dataset, dataset
from tests.benchmarks.processes import BUILD, python, run
from tests.benchmarks.workers_memory import WorkersMemory
from workers.ehr.events.formats.make_directory import make_event_model_directory

SUBJECTS = 200_000
FEW = 200
"""Subjects of the run that shows what starting and stopping costs."""
TENTH = 10
ROUNDS = 3
WORKERS = 2
SHARD_RECORDS = 20_000
TOLERANCE = 1e-5
EMBEDDING, HIDDEN = 64, 128


class WrongAnswer(Exception):
    """A contestant left a history out, or scored it otherwise than the other."""


@dataclass
class Bench:
    """What was measured so far."""

    whole: Dataset
    few: Dataset
    model: Path
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<22}{value:14,.3f}", flush=True)

    def round(self) -> None:
        """Ours, with and without work, then the other; their scores must agree."""
        start_up, _ = self._ours(self.few)
        seconds, memory = self._ours(self.whole)
        self.note("start_up_s", start_up)
        self.note("run_s", seconds)
        self.note("events_s", self.whole.events / (seconds - start_up))
        self.note("peak_worker_gb", memory / 1e9)
        manifest = json.loads((self._out(self.whole) / "manifest.json").read_text())
        self.note("busy", manifest["busy"])
        self.note("dataloader_events_s", self._dataloader())
        self.note("off_by", self._compare())

    def summary(self) -> dict[str, float]:
        """Medians, and ours against the other."""
        of = {name: median(values) for name, values in self.figures.items()}
        figures = {"ours_vs_dataloader": of["events_s"] / of["dataloader_events_s"], **of}
        return {name: round(value, 8 if name == "off_by" else 3) for name, value in figures.items()}

    def _ours(self, data: Dataset) -> tuple[float, float]:
        """Seconds from the start of the command to its end, and the most bytes that a worker held."""
        out = self._out(data)
        shutil.rmtree(out, ignore_errors=True)
        spec = write_spec(BUILD / f"{out.name}.yaml", data, self.model, out)
        memory = WorkersMemory()
        finished = run(
            [sys.executable, "-m", "jobs", "run", str(spec)], BUILD / "logs" / f"{out.name}.log", watch=memory
        )
        return finished.seconds, memory.peak

    def _dataloader(self) -> float:
        command = python(
            "contestants/dataloader.py",
            str(self.whole.root),
            str(self.model),
            str(self.whole.subjects // TENTH),
            str(self._theirs),
        )
        answer = json.loads(run(command, BUILD / "logs" / "dataloader.log").output)
        return float(answer["events"] / answer["seconds"])

    def _compare(self) -> float:
        """Largest difference over the subjects that both scored. Raises WrongAnswer."""
        ours = pl.read_parquet(self._out(self.whole) / "predictions" / "*.parquet")
        if ours.height != self.whole.subjects or set(ours["status"].cast(pl.String)) != {"ok"}:
            raise WrongAnswer("some histories have no score")
        if ours["n_used"].sum() != self.whole.events:
            raise WrongAnswer("some events were not used")
        theirs = pl.read_parquet(self._theirs).with_columns(pl.col("subject_id").cast(pl.String))
        both = theirs.join(ours, on="subject_id", how="inner")
        if both.height != self.whole.subjects // TENTH:
            raise WrongAnswer(f"{both.height} histories were scored by both")
        worst = float(np.abs(both["p"].to_numpy() - both["score_outcome"].to_numpy()).max())
        if not worst <= TOLERANCE:
            raise WrongAnswer(f"scores differ by {worst:.2g}, allowed is {TOLERANCE}")
        return worst

    def _out(self, data: Dataset) -> Path:
        return BUILD / "out" / f"events-{data.subjects}"

    @property
    def _theirs(self) -> Path:
        return BUILD / "out" / "dataloader.parquet"


def write_spec(path: Path, data: Dataset, model: Path, out: Path) -> Path:
    """A spec over the dataset, for two workers of one core each."""
    spec: dict[str, Any] = {
        "job": "predict",
        "name": "bench-events",
        "input": {
            "collection": "events",
            "uri": str(data.root),
            "task": {"labels": str(data.labels)},
            "time_precision": "exact",
        },
        "models": {"gru": {"uri": str(model)}},
        "output": {"uri": str(out)},
        "compute": {"workers": WORKERS, "cpus_per_worker": 1, "shard_records": SHARD_RECORDS},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def write_model(folder: Path, data: Dataset) -> Path:
    """A GRU of one layer over codes alone, randomly initialised weights."""
    settings = {"embedding": EMBEDDING, "hidden": HIDDEN}
    made = make_event_model_directory(folder, "event_rnn", data.codes, settings=settings)
    if json.loads((made / "config.json").read_text())["settings"]["num_codes"] != CODES + 1:
        raise SystemExit("the vocabulary of the benchmark is not complete")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    arguments = parser.parse_args(argv)
    whole = dataset(BUILD, arguments.subjects)
    bench = Bench(whole, dataset(BUILD, FEW), write_model(BUILD / "event-model", whole))
    (BUILD / "out").mkdir(exist_ok=True)
    for _ in range(arguments.rounds):
        bench.round()
    print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
