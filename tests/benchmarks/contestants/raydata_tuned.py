"""Ray Data tuned for this network on a CPU: batches of 16, which stay in the cache, and channels last.

Usage: raydata_tuned.py IMAGES OUT
"""

from __future__ import annotations

import sys
from typing import Any

import ray

from tests.benchmarks.network import decode_batch, network, score

WORKERS = 2
CPUS_PER_WORKER = 0.5
BATCH = 16


def decoded(batch: dict[str, Any]) -> dict[str, Any]:
    """PNG to pixels."""
    return {"id": batch["id"], "x": decode_batch(batch["png"])}


class Predictor:
    """One actor with the network."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.model = network().to(memory_format=torch.channels_last)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Pixels to scores."""
        return {"id": batch["id"], "p": score(self.model, batch["x"], channels_last=True)}


def main(images: str, out: str) -> None:
    """Score every image."""
    ray.init(address="local", num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    pool = ray.data.ActorPoolStrategy(size=WORKERS)
    dataset = ray.data.read_parquet(images).map_batches(decoded, batch_size=BATCH)
    dataset.map_batches(Predictor, batch_size=BATCH, compute=pool, num_cpus=CPUS_PER_WORKER).write_parquet(out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
