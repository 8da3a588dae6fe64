"""Plan a run, or resume it: open its first stage and find what is missing. Prints one JSON object.

Usage: plan.py SPEC [WARM_UP]
WARM_UP is a spec to open first, so that the time is without what a process does once: imports, above all.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.benchmarks.scale.specs import open_first


def main(spec: str, warm_up: str | None) -> None:
    """`seconds` from reading the spec to knowing the missing shards; `peak_rss` in bytes of this process."""
    if warm_up is not None:
        open_first(Path(warm_up)).committed()
    began = time.perf_counter()
    stage = open_first(Path(spec))
    missing = set(range(stage.run.plan.shards)) - set(stage.committed())
    seconds = time.perf_counter() - began
    plan = stage.run.plan
    found = {"records": plan.records, "shards": plan.shards, "missing": len(missing), "seconds": seconds}
    print(json.dumps({**found, "peak_rss": _peak_rss()}))


def _peak_rss() -> int:
    """VmHWM of proc(5). Not ru_maxrss, which a child of a larger process inherits across exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
