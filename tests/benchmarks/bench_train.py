"""Train the same networks by `job: train` and by plain PyTorch loops, in turn, whole processes.

Prints one JSON object at the end: `images_vs_plain` and `events_vs_plain` are how many times as fast ours is.

Usage: bench_train.py [--rounds N] [--images N] [--subjects N] [--epochs N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import polars as pl
import yaml

from tests.benchmarks import labelled_histories as histories
from tests.benchmarks import labelled_images as images
from tests.benchmarks.processes import BUILD, python, run

IMAGES, SUBJECTS, ROUNDS = 6_000, 2_400, 2
EPOCHS = {"images": 10, "events": 4}
LEARNED = {"images": 0.9, "events": 0.75}
"""Areas that both must reach: otherwise one of them has not done the work."""
CORES = 2
_SECONDS = 1800


class WrongAnswer(Exception):
    """A contestant has learned nothing."""


@dataclass(frozen=True)
class Contest:
    """One network on one kind of data: `shown` are images, or events, that a whole training goes over."""

    name: str
    shown: int
    spec: dict[str, Any]
    plain: Sequence[str]
    """The other's command."""

    def ours(self) -> tuple[float, float]:
        """Seconds of the whole command, and the best area on tuning records."""
        out = BUILD / "out" / f"train-{self.name}"
        shutil.rmtree(out, ignore_errors=True)
        path = BUILD / f"train-{self.name}.yaml"
        path.write_text(yaml.safe_dump({**self.spec, "output": {"uri": str(out)}}, sort_keys=False))
        command = [sys.executable, "-m", "jobs", "run", str(path)]
        finished = run(command, BUILD / "logs" / f"train-{self.name}.log", _SECONDS)
        areas = pl.read_parquet(out / "model" / "history.parquet")["auroc"].to_list()
        return finished.seconds, self._learned("ours", max(areas))

    def theirs(self) -> tuple[float, float]:
        """The same of the other."""
        finished = run(self.plain, BUILD / "logs" / f"plain-{self.name}.log", _SECONDS)
        return finished.seconds, self._learned("the plain loop", json.loads(finished.output)["auroc"])

    def _learned(self, who: str, area: float) -> float:
        """Raises WrongAnswer for an area that no training gives."""
        if area < LEARNED[self.name]:
            raise WrongAnswer(f"{self.name}: {who} reached an area of {area:.3f}, and {LEARNED[self.name]} is easy")
        return area


@dataclass
class Bench:
    """What was measured so far."""

    contests: Sequence[Contest]
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<22}{value:14,.3f}", flush=True)

    def round(self) -> None:
        """Ours, then the other."""
        for contest in self.contests:
            for who, call in (("", contest.ours), ("plain_", contest.theirs)):
                seconds, area = call()
                self.note(f"{who}{contest.name}_s", contest.shown / seconds)
                self.note(f"{who}{contest.name}_auroc", area)

    def summary(self) -> dict[str, float]:
        """Medians, and ours against the other."""
        of = {name: median(values) for name, values in self.figures.items()}
        names = [contest.name for contest in self.contests]
        ratios = {f"{name}_vs_plain": of[f"{name}_s"] / of[f"plain_{name}_s"] for name in names}
        return {name: round(value, 3) for name, value in {**ratios, **of}.items()}


def of_images(count: int, epochs: int) -> Contest:
    """A small CNN on pictures."""
    data = images.labelled(BUILD, count)
    source = {
        "collection": "images",
        "uri": str(data.root / "pictures"),
        "format": "png",
        "labels": {"uri": str(data.labels), "key": "image"},
        "outputs": {"spot": {}},
        "splits": {"column": "split"},
        "network": {"name": "smallcnn", "settings": images.SETTINGS},
        "fit": {"epochs": epochs, "batch": images.BATCH, "learning_rate": images.RATE},
        "augment": images.AUGMENT,
    }
    prepare = [{"resize": {"size": [images.SHOWN, images.SHOWN], "method": "area"}}, {"rescale": {"factor": 1 / 255}}]
    plain = python("contestants/plain_images_training.py", str(data.root), str(epochs))
    return Contest("images", data.train * epochs, {**_spec(source), "prepare": prepare}, plain)


def of_events(subjects: int, epochs: int) -> Contest:
    """A GRU over the codes of histories."""
    data = histories.labelled_histories(BUILD, subjects)
    network = {"embedding": histories.EMBEDDING, "hidden": histories.HIDDEN, "pooling": "mean"}
    source = {
        "collection": "events",
        "uri": str(data.root),
        "task": {"labels": str(data.labels)},
        "time_precision": "exact",
        "carry": ["boolean_value"],
        "outputs": {"true": {"truth": "boolean_value"}},
        "splits": {"column": "split"},
        "network": {"name": "event_rnn", "settings": network},
        "vocabulary": {"min_subjects": 1},
        "fit": {"epochs": epochs, "batch": histories.BATCH, "learning_rate": histories.RATE},
    }
    plain = python("contestants/plain_events_training.py", str(data.root), str(data.labels), str(epochs))
    return Contest("events", data.events * epochs, _spec(source), plain)


def _spec(source: dict[str, Any]) -> dict[str, Any]:
    """`job: train` on all cores, in one process."""
    compute = {"pool": "serial", "cpus_per_worker": CORES}
    return {"job": "train", "name": "bench-train", "input": source, "compute": compute}


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--only", nargs="*", choices=sorted(EPOCHS), default=sorted(EPOCHS))
    arguments = parser.parse_args(argv)
    (BUILD / "out").mkdir(parents=True, exist_ok=True)
    make = {
        "images": lambda: of_images(arguments.images, arguments.epochs or EPOCHS["images"]),
        "events": lambda: of_events(arguments.subjects, arguments.epochs or EPOCHS["events"]),
    }
    bench = Bench([make[name]() for name in arguments.only])
    for _ in range(arguments.rounds):
        bench.round()
    print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
