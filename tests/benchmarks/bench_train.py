"""Train the same network on the same pictures by `job: train` and by a plain PyTorch loop, in turn, whole processes.

Prints one JSON object at the end: `images_vs_plain` is how many times as fast ours is.

Usage: bench_train.py [--rounds N] [--images N] [--epochs N]
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

import polars as pl
import yaml

from tests.benchmarks.labelled_images import AUGMENT, BATCH, RATE, SETTINGS, SHOWN, Labelled, labelled
from tests.benchmarks.processes import BUILD, python, run

IMAGES, EPOCHS, ROUNDS = 6_000, 10, 3
LEARNED = 0.9
"""Area that both must reach: otherwise one of them has not done the work."""
CORES = 2


class WrongAnswer(Exception):
    """A contestant has learned nothing."""


@dataclass
class Bench:
    """What was measured so far."""

    data: Labelled
    epochs: int
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<22}{value:14,.3f}", flush=True)

    def round(self) -> None:
        """Ours, then the other."""
        shown = self.data.train * self.epochs
        seconds, area = self._ours()
        self.note("images_s", shown / seconds)
        self.note("auroc", area)
        seconds, area = self._plain()
        self.note("plain_images_s", shown / seconds)
        self.note("plain_auroc", area)

    def summary(self) -> dict[str, float]:
        """Medians, and ours against the other."""
        of = {name: median(values) for name, values in self.figures.items()}
        figures = {"images_vs_plain": of["images_s"] / of["plain_images_s"], **of}
        return {name: round(value, 3) for name, value in figures.items()}

    def _ours(self) -> tuple[float, float]:
        out = BUILD / "out" / "train-images"
        shutil.rmtree(out, ignore_errors=True)
        spec = write_spec(BUILD / "train-images.yaml", self.data, self.epochs, out)
        finished = run([sys.executable, "-m", "jobs", "run", str(spec)], BUILD / "logs" / "train-images.log", 1200)
        areas = pl.read_parquet(out / "model" / "history.parquet")["auroc"].to_list()
        return finished.seconds, learned("ours", max(areas))

    def _plain(self) -> tuple[float, float]:
        command = python("contestants/plain_training.py", str(self.data.root), str(self.epochs))
        finished = run(command, BUILD / "logs" / "plain-training.log", 1200)
        return finished.seconds, learned("the plain loop", json.loads(finished.output)["auroc"])


def learned(who: str, area: float) -> float:
    """The area. Raises WrongAnswer for one that no training gives."""
    if area < LEARNED:
        raise WrongAnswer(f"{who} reached an area of {area:.3f} on tuning pictures, and {LEARNED} is easy")
    return area


def write_spec(path: Path, data: Labelled, epochs: int, out: Path) -> Path:
    """`job: train` on all cores, in one process."""
    spec: dict[str, Any] = {
        "job": "train",
        "name": "bench-train",
        "input": {
            "collection": "images",
            "uri": str(data.root / "pictures"),
            "format": "png",
            "labels": {"uri": str(data.labels), "key": "image"},
            "outputs": {"spot": {}},
            "splits": {"column": "split"},
            "network": {"name": "smallcnn", "settings": SETTINGS},
            "fit": {"epochs": epochs, "batch": BATCH, "learning_rate": RATE},
            "augment": AUGMENT,
        },
        "prepare": [{"resize": {"size": [SHOWN, SHOWN], "method": "area"}}, {"rescale": {"factor": 1 / 255}}],
        "output": {"uri": str(out)},
        "compute": {"pool": "serial", "cpus_per_worker": CORES},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args(argv)
    bench = Bench(labelled(BUILD, arguments.images), arguments.epochs)
    (BUILD / "out").mkdir(exist_ok=True)
    for _ in range(arguments.rounds):
        bench.round()
    print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
