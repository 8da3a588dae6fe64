"""What the cores can do at most: one pinned process a core, the plain model, batches of texts of one length.

No padding, no mask, nothing tokenised, read or written. Several shapes of batch; the best counts.

Usage: notes_limit.py MODEL
Prints one JSON object: `tokens_s` of all cores together, and its `shape` (texts, tokens a text).
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import sys
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from statistics import median

SHAPES = ((8, 64), (16, 64), (32, 64), (4, 128), (8, 128), (16, 128), (4, 256))
TOKENS = 4096
TRIES = 2

Rates = dict[tuple[int, int], list[float]]


def measure(core: int, model: str, start: Barrier, out: SimpleQueue[Rates]) -> None:
    """Tokens a second on one core for each shape and try; `start` makes all cores begin each one together."""
    os.sched_setaffinity(0, {core})
    import torch
    from transformers import AutoModel

    torch.set_num_threads(1)
    network = AutoModel.from_pretrained(model).eval()
    rates: Rates = {shape: [] for shape in SHAPES}
    with torch.inference_mode():
        for _ in range(TRIES):
            for shape in SHAPES:
                ids = torch.randint(1000, 30_000, shape)
                network(input_ids=ids)
                turns = max(1, TOKENS // ids.numel())
                start.wait()
                began = time.perf_counter()
                for _ in range(turns):
                    network(input_ids=ids)
                rates[shape].append(turns * ids.numel() / (time.perf_counter() - began))
    out.put(rates)


def main(model: str) -> None:
    """Every shape on all cores at once; of each the median of its tries."""
    context = mp.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    start, out = context.Barrier(len(cores)), context.SimpleQueue()
    processes = [context.Process(target=measure, args=(core, model, start, out), daemon=True) for core in cores]
    for process in processes:
        process.start()
    rates = [out.get() for _ in processes]
    for process in processes:
        process.join()
    totals = {shape: median(map(sum, zip(*(each[shape] for each in rates), strict=True))) for shape in SHAPES}
    best = max(totals, key=lambda shape: totals[shape])
    print(json.dumps({"tokens_s": round(totals[best]), "shape": best}))


if __name__ == "__main__":
    main(sys.argv[1])
