"""Score 10,000 images with wardround, Ray Data, tuned Ray Data and Daft in turn; print one JSON object at the end.

Everything is timed from the start of a process to its end. See README.md for what each figure means.

Usage: bench_images.py [--rounds N] [--images N] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import answers, ours
from tests.benchmarks.images import image_files
from tests.benchmarks.processes import BUILD, python, run

IMAGES = 10_000
ROUNDS = 2
CONTESTANTS = ("ours", "daft", "tuned_raydata", "raydata")
_SCRIPTS = {"raydata": "raydata.py", "tuned_raydata": "raydata_tuned.py", "daft": "daft_.py"}


@dataclass
class Bench:
    """What was measured so far."""

    images: Path
    records: int
    expected: Mapping[str, answers.Scores]
    rates: dict[str, list[float]] = field(default_factory=dict)
    settings: str | None = None

    def note(self, name: str, value: float, more: str = "") -> None:
        """Keep a figure and show it."""
        self.rates.setdefault(name, []).append(value)
        print(f"{name:<22}{value:10.3f}  {more}", flush=True)

    def contest(self, name: str) -> None:
        """Run one contestant from nothing, check its answers, keep its rate."""
        out = BUILD / "out" / name
        shutil.rmtree(out, ignore_errors=True)
        command, read = (self._ours if name == "ours" else self._other)(name, out)
        finished = run(command, BUILD / "logs" / f"{name}.log")
        worst = answers.check(read(), self.records, self.expected)
        self.note(f"{name}_img_s", self.records / finished.seconds, f"{finished.seconds:.1f} s, off by {worst:.1e}")
        if name == "ours":
            figures = ours.figures(out)
            self.note("ours_steady_img_s", figures.steady_img_s)
            self.note("busy", figures.busy)

    def limit(self) -> None:
        """What the cores can do at most, now."""
        given = [self.settings] if self.settings else []
        finished = run(python("contestants/limit.py", str(self.images), *given), BUILD / "logs" / "limit.log")
        answer = json.loads(finished.output)
        self.settings = json.dumps(answer["settings"])
        self.note("limit_img_s", answer["img_s"], str(answer["settings"][0]))

    def summary(self) -> dict[str, float]:
        """Medians, and ours against each other one."""
        of = {name: median(values) for name, values in self.rates.items()}
        rates = [f"{name}_img_s" for name in ("ours", "raydata", "tuned_raydata", "daft", "ours_steady", "limit")]
        figures = {name: of[name] for name in rates}
        for name in ("raydata", "tuned_raydata", "daft"):
            figures[f"ours_vs_{name}"] = of["ours_img_s"] / of[f"{name}_img_s"]
        figures["ours_vs_limit"] = of["ours_steady_img_s"] / of["limit_img_s"]
        figures["busy"] = of["busy"]
        return {name: round(value, 3) for name, value in figures.items()}

    def _ours(self, name: str, out: Path) -> tuple[list[str], Callable[[], Mapping[str, Any]]]:
        model = ours.write_model(BUILD / "model")
        spec = ours.write_spec(BUILD / "ours.yaml", self.images, model, out)
        return [sys.executable, "-m", "jobs", "run", str(spec)], lambda: answers.read_columns(out / "predictions")

    def _other(self, name: str, out: Path) -> tuple[list[str], Callable[[], Mapping[str, Any]]]:
        command = python(f"contestants/{_SCRIPTS[name]}", str(self.images), str(out))
        return command, lambda: answers.read_lists(out)


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate: every contestant once a round, so that a slow minute of the machine hits all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--only", nargs="+", choices=(*CONTESTANTS, "limit"), default=(*CONTESTANTS, "limit"))
    arguments = parser.parse_args(argv)
    images = image_files(BUILD, arguments.images)
    bench = Bench(images, arguments.images, answers.expected(images))
    for _ in range(arguments.rounds):
        for name in arguments.only:
            bench.limit() if name == "limit" else bench.contest(name)
    if set(arguments.only) == {*CONTESTANTS, "limit"}:
        print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
