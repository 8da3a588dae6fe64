"""Run one spec over genotypes in this process; print one JSON line: seconds of the run, and of what came before it.

Before the clock starts lies what a process has once: imports, and the machine code of the kernels, which numba makes
when they are first called; they are called on a few made-up variants. The run is from opening the files of genotypes
and weights to the committed rows, manifest and report.

Usage: prs.py SPEC [PROFILE]
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from importlib import import_module
from pathlib import Path

BEGAN = time.perf_counter()


def warm() -> None:
    """Load what the run will, and make all kernels."""
    import numpy as np

    from workers.genomics.contract import GenotypeChunk, Weights
    from workers.genomics.kernels.codes import pack
    from workers.genomics.kernels.opening import open_kernel
    from workers.genomics.kernels.sample_counts import count_samples

    for module in (
        "jobs.running",
        "workers.genomics.genotypes.formats.pgs",
        "workers.genomics.genotypes.stages",
        "pandas",
        "pgenlib",
    ):
        import_module(module)
    index = np.arange(64, dtype=np.int64)
    for columns, entries in ((1, 64), (8, 512), (64, 64)):
        offsets = np.linspace(0, entries, 65).astype(np.int64)
        column = (np.arange(entries) % columns).astype(np.int32)
        zero = np.zeros(entries, np.uint8)
        group = np.zeros(columns, np.int32)
        scores = [str(number) for number in range(columns)]
        weights = Weights(scores, index, np.ones(64), offsets, column, np.ones(entries), zero, zero, group)
        kernel = open_kernel(weights, 64, 1)
        kernel.add(GenotypeChunk(index, 64, np.zeros((64, 16), np.uint8)))
        kernel.finish()
    count_samples(np.zeros((64, 16), np.uint8), 64)
    pack(np.zeros((64, 64), np.int8))


def main(spec: str, profile: str | None = None) -> None:
    """Run and tell."""
    warm()
    from jobs.execute import Watchers
    from jobs.hosts import open_host
    from jobs.running import run_stages
    from schemas.spec import parse_spec

    parsed = parse_spec(Path(spec).read_text())
    quiet = Watchers(on_progress=lambda progress: None, should_stop=lambda: "no")
    profiler = cProfile.Profile() if profile else None
    began = time.perf_counter()
    if profiler:
        profiler.enable()
    outcome = run_stages(parsed, open_host, quiet, lambda line: None)
    if profiler:
        profiler.disable()
    seconds = time.perf_counter() - began
    if profiler and profile:
        profiler.dump_stats(profile)
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(60)
    print(json.dumps({"seconds": seconds, "imports": began - BEGAN, "ok": outcome.manifest.statuses}))


if __name__ == "__main__":
    main(*sys.argv[1:])
