"""`python -m tests.chaos --seeds 200`: one JSON line at the end, exit 1 at the first difference."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster.embedded_s3 import EmbeddedS3
from cluster.storage import StorageSettings, open_store
from tests.chaos import archive
from tests.chaos.harness import Seed, as_json, compare, disturbed, logical_content, open_output, spec_text, undisturbed
from tests.chaos.standing_cluster import StandingCluster


def campaign(first: int, seeds: int, at_once: int, folder: Path, endpoint: str) -> list[Seed]:
    """Run `seeds` seeds from `first` on against one standing cluster, `at_once` at a time."""
    store = open_store("s3://chaos/archive", StorageSettings(endpoint_url=endpoint))
    archive.fill(store)
    model = archive.make_model(folder / "model")
    cluster = StandingCluster(folder, cpus=4 * at_once)
    try:
        usual = undisturbed(_spec(folder, "clean", model, endpoint), cluster)
        clean = logical_content(open_output("s3://chaos/clean", endpoint))

        def one(seed: int) -> Seed:
            done = disturbed(seed, _spec(folder, f"seed-{seed}", model, endpoint), cluster, usual)
            done = compare(done, clean, open_output(f"s3://chaos/seed-{seed}", endpoint))
            sys.stderr.write(f"{done}\n")
            return done

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, range(first, first + seeds)))
    finally:
        cluster.close()


def _spec(folder: Path, name: str, model: Path, endpoint: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(spec_text("s3://chaos/archive", model, f"s3://chaos/{name}", endpoint))
    return path


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wr-chaos-") as name:
        folder = Path(name)
        with EmbeddedS3(folder / "s3", "chaos") as server:
            os.environ.update(server.environment)
            done = campaign(options.first, options.seeds, options.at_once, folder, server.endpoint_url)
    print(as_json(done, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
