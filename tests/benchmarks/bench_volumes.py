"""Mark the same CT series by two models: wardround, MONAI as its bundles run, and a process a case; one JSON line.

Everything is timed from the start of a process to its end, in turns. See README.md for what each figure means.

Usage: bench_volumes.py [--rounds N] [--volumes N] [--side PIXELS] [--slices FEWEST MOST] [--spacing MM MM MM]
    [--roi VOXELS] [--overlap SHARE] [--loop CASES] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch

from tests.benchmarks import ours_volumes, phantoms
from tests.benchmarks.contestants.monai_chain import mask_of
from tests.benchmarks.label_maps import counted, least_dice
from tests.benchmarks.phantoms import FIRST, Size, cases, name_of, uid_of
from tests.benchmarks.processes import BUILD, keep_to, python, run
from tests.benchmarks.segmenters import LABELS, Grid, write_models
from tests.benchmarks.workers_memory import WorkersMemory

ROUNDS = 2
CONTESTANTS = ("ours", "monai", "monai_shared", "loop")
_LONGEST = 6 * 3600.0
FOLDER = BUILD / "volumes"


@dataclass
class Bench:
    """What was measured so far."""

    archive: Path
    size: Size
    models: Mapping[str, Path]
    loop: int
    figures: dict[str, list[float]] = field(default_factory=dict)
    masks: Mapping[tuple[str, str], Path] = field(default_factory=dict)

    def note(self, name: str, value: float, more: str = "") -> None:
        """Keep a figure and show it."""
        self.figures.setdefault(name, []).append(value)
        print(f"{name:<28}{value:12.4f}  {more}", flush=True)

    def contest(self, name: str) -> None:
        """Run one contestant from nothing, hold its masks to ours, keep its rate."""
        out = FOLDER / "out" / name
        shutil.rmtree(out, ignore_errors=True)
        volumes = self.loop if name == "loop" else self.size.volumes
        seconds = {"ours": self._ours, "loop": self._loop}.get(name, self._monai)(out)
        self.note(f"{name}_cases_per_h", 3600 * volumes / seconds, f"{seconds:.1f} s, {volumes} cases")
        if name != "ours" and self.masks:
            self.note(f"{name}_dice", self._dice(out, range(volumes)))

    def summary(self) -> dict[str, float | str]:
        """Medians, and ours against each other one."""
        of = {name: median(values) for name, values in self.figures.items()}
        rate = of.get("ours_cases_per_h", 0.0)
        for name in CONTESTANTS[1:]:
            if rate and f"{name}_cases_per_h" in of:
                of[f"ours_vs_{name}"] = rate / of[f"{name}_cases_per_h"]
        found: dict[str, float | str] = {name: round(value, 5) for name, value in sorted(of.items())}
        return {"device": "cuda" if torch.cuda.is_available() else "cpu", **found}

    def _ours(self, out: Path) -> float:
        first = min(FIRST, self.size.volumes)
        _, peak = self._run("first", self.archive / "first", first, out.with_name("ours-first"))
        self.note(f"peak_gb_{first}", peak / 1e9)
        seconds, peak = self._run("all", self.archive, self.size.volumes, out)
        self.note("peak_gb_all", peak / 1e9)
        self.masks = ours_volumes.masks(out, self.models, self.size.volumes)
        for name, value in ours_volumes.figures(out, self.size.volumes).items():
            self.note(name, value)
        return seconds

    def _run(self, name: str, series: Path, volumes: int, out: Path) -> tuple[float, int]:
        """Seconds of the whole command, and the most bytes that any worker held."""
        shutil.rmtree(out, ignore_errors=True)
        spec = ours_volumes.write_spec(FOLDER / f"{name}.yaml", series, self.models, out, volumes)
        memory = WorkersMemory()
        command = [sys.executable, "-m", "jobs", "run", str(spec)]
        finished = run(command, BUILD / "logs" / f"volumes-{name}.log", _LONGEST, watch=memory)
        return finished.seconds, memory.peak

    def _monai(self, out: Path) -> float:
        """A process a bundle, one after the other; shared: one process for both."""
        models = list(map(str, self.models.values()))
        parts = [models] if out.name == "monai_shared" else [[model] for model in models]
        return sum(self._script("monai_bundle", str(self.archive), str(out), *part) for part in parts)

    def _loop(self, out: Path) -> float:
        models = list(map(str, self.models.values()))
        first = cases(self.archive)[: self.loop]
        return sum(self._script("monai_case", str(case), str(out), *models) for case in first)

    def _script(self, name: str, *arguments: str) -> float:
        return run(python(f"contestants/{name}.py", *arguments), BUILD / "logs" / f"{name}.log", _LONGEST).seconds

    def _dice(self, out: Path, volumes: range) -> float:
        """The lowest of both models. Raises WrongMask where it is too low."""
        return min(self._dice_of(name, out, volumes) for name in self.models)

    def _dice_of(self, name: str, out: Path, volumes: range) -> float:
        labels = len(LABELS[name])
        pairs = ((self.masks[name, uid_of(v)], mask_of(out, self.models[name], name_of(v))) for v in volumes)
        return least_dice(counted(ours, theirs, labels) for ours, theirs in pairs)


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--volumes", type=int, default=40)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--slices", type=int, nargs=2, default=(60, 200))
    parser.add_argument("--spacing", type=float, nargs=3, default=(1.5, 1.5, 2.0))
    parser.add_argument("--roi", type=int, default=96)
    parser.add_argument("--overlap", type=float, default=0.25)
    parser.add_argument("--loop", type=int, default=FIRST)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Alternate, so that a slow minute of the machine hits all."""
    given = arguments_of(argv)
    if not torch.cuda.is_available():
        keep_to(ours_volumes.CORES)
    size = Size(given.volumes, given.side, *given.slices)
    archive = phantoms.archive(FOLDER, size)
    models = write_models(FOLDER / "models", Grid(tuple(given.spacing), given.roi, given.overlap))
    bench = Bench(archive, size, models, min(given.loop, given.volumes))
    for _ in range(given.rounds):
        # Ours comes first whatever the order asked for: the others' masks are held to it.
        for name in (one for one in CONTESTANTS if one in given.only):
            bench.contest(name)
    print(json.dumps(bench.summary()))


if __name__ == "__main__":
    main()
