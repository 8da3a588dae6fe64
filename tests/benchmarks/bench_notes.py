"""Embed 800 notes with wardround, Ray Data and transformers' pipeline in turn; print one JSON object at the end.

Rates are without the start of processes, which is printed beside. See README.md for what each figure means.

Usage: bench_notes.py [--rounds N] [--notes N] [--only NAME ...]
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

from tests.benchmarks import notes, ours_notes
from tests.benchmarks.processes import BUILD, python, run

NOTES = 800
ROUNDS = 2
CONTESTANTS = ("ours", "raydata", "pipeline", "limit")
_CALM = {"TOKENIZERS_PARALLELISM": "true", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
_BATCH = 32


@dataclass
class Bench:
    """What was measured so far."""

    file: Path
    count: int
    expected: notes.Vectors
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float, more: str = "") -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<22}{value:10.3f}  {more}", flush=True)

    def contest(self, name: str) -> None:
        """Run one contestant from nothing, check its vectors, keep its rate."""
        out = BUILD / "out" / f"notes-{name}"
        shutil.rmtree(out, ignore_errors=True)
        if name == "ours":
            spec = ours_notes.write_spec(BUILD / "ours-notes.yaml", self.file, out)
            finished = run([sys.executable, "-m", "jobs", "run", str(spec)], BUILD / "logs" / "notes-ours.log", 400)
            rate, vectors = ours_notes.notes_a_second(out), notes.read_vectors(out / "predictions", "record_id")
        else:
            command = python(f"contestants/notes_{name}.py", str(self.file), str(notes.model_folder()), str(out))
            finished = run(command, BUILD / "logs" / f"notes-{name}.log", 400, _CALM)
            rate = json.loads(finished.output.splitlines()[-1])["notes_s"]
            vectors = notes.read_vectors(out, "note_id")
        worst = notes.check(vectors, self.count, self.expected)
        rest = finished.seconds - self.count / rate
        self.note(f"{name}_notes_s", rate, f"start and end {rest:.1f} s, off by {worst:.1e}")

    def limit(self) -> None:
        """What the cores can do at most, now, in notes of this file's mean length."""
        command = python("contestants/notes_limit.py", str(notes.model_folder()))
        answer = json.loads(run(command, BUILD / "logs" / "notes-limit.log", 400, _CALM).output.splitlines()[-1])
        mean = float(notes.note_lengths(self.count).mean())
        self.note("limit_notes_s", answer["tokens_s"] / mean, f"{answer['tokens_s']} tokens/s at {answer['shape']}")

    def summary(self) -> dict[str, float]:
        """Medians, and ours against each other one."""
        of = {name: median(values) for name, values in self.figures.items()}
        for name in ("raydata", "pipeline", "limit"):
            of[f"ours_vs_{name}"] = of["ours_notes_s"] / of[f"{name}_notes_s"]
        of["padding_share"] = ours_notes.padding_share(self.file)
        of["peers_padding_share"] = batches_padding(self.count)
        return {name: round(value, 3) for name, value in of.items()}


def batches_padding(count: int) -> float:
    """Share of padding in batches of 32 notes in the file's order, as the peers cut them."""
    lengths = notes.note_lengths(count)
    parts = [lengths[start : start + _BATCH] for start in range(0, count, _BATCH)]
    return float(1 - lengths.sum() / sum(part.max() * len(part) for part in parts))


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate: every contestant once a round, so that a slow minute of the machine hits all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    arguments = parser.parse_args(argv)
    file = notes.note_file(BUILD, arguments.notes)
    bench = Bench(file, arguments.notes, notes.expected(file))
    for _ in range(arguments.rounds):
        for name in arguments.only:
            bench.limit() if name == "limit" else bench.contest(name)
    if set(arguments.only) == set(CONTESTANTS):
        print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
