"""`python -m tests.chaos --seeds 200 --job convert`: one JSON line at the end, exit 1 at the first difference."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, open_store
from tests.chaos.harness import Seed, as_json, compare, content, disturbed, open_output, undisturbed
from tests.chaos.kinds import KINDS
from tests.chaos.standing_cluster import StandingCluster


def campaign(seeds: Mapping[str, int], first: int, at_once: int, folder: Path, endpoint: str) -> list[Seed]:
    """Run so many seeds of each job from `first` on against one standing cluster, `at_once` at a time."""
    cluster = StandingCluster(folder, cpus=4 * at_once)
    try:
        return [
            done
            for job, count in seeds.items()
            for done in _campaign(job, range(first, first + count), at_once, folder, endpoint, cluster)
        ]
    finally:
        cluster.close()


def _campaign(
    job: str, seeds: range, at_once: int, folder: Path, endpoint: str, cluster: StandingCluster
) -> list[Seed]:
    kind = KINDS[job]
    said = kind.fill(open_store(f"s3://chaos/{job}-input", StorageSettings(endpoint_url=endpoint)), folder)

    def spec(name: str) -> Path:
        path = folder / f"{job}-{name}.yaml"
        path.write_text(kind.spec(said, f"s3://chaos/{job}-{name}", endpoint))
        return path

    usual = undisturbed(spec("clean"), cluster)
    clean = content(open_output(f"s3://chaos/{job}-clean", endpoint))

    def one(seed: int) -> Seed:
        done = disturbed(seed, spec(f"seed-{seed}"), cluster, usual)
        done = compare(done, clean, open_output(f"s3://chaos/{job}-seed-{seed}", endpoint))
        sys.stderr.write(f"{job}: {done}\n")
        return done

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, seeds))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--job", choices=sorted(KINDS), default="predict")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wr-chaos-") as name:
        folder = Path(name)
        with EmbeddedS3(folder / "s3", "chaos") as server:
            os.environ.update(server.environment)
            seeds = {options.job: options.seeds}
            done = campaign(seeds, options.first, options.at_once, folder, server.endpoint_url)
    print(as_json(done, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
