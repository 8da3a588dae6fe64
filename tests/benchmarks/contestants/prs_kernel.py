"""The kernel alone on 1,000 dense scores, against the float32 matrix product of the same cores, one after the other.

Its genotypes lie in memory. What counts is what a plain matrix product of floats would need: 2 x samples x variants x
scores operations, however the kernel comes to its sums.

Usage: prs_kernel.py SAMPLES VARIANTS SCORES THREADS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from workers.genomics.contract import GenotypeChunk, Weights
from workers.genomics.kernels.opening import open_kernel

_ROUNDS = 3
_SIDE = 3072


def best(work: Callable[[], object]) -> float:
    """Seconds of the quickest of a few times, after one that does not count."""
    work()
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def kernel_seconds(samples: int, variants: int, scores: int, threads: int) -> float:
    """From weights and packed calls to the sums."""
    rng = np.random.default_rng(0)
    index = np.arange(variants, dtype=np.int64)
    entries = variants * scores
    weights = Weights(
        scores=[str(number) for number in range(scores)],
        variant_idx=index,
        fill=np.full(variants, 0.5),
        offsets=scores * np.arange(variants + 1, dtype=np.int64),
        column=np.tile(np.arange(scores, dtype=np.int32), variants),
        weight=rng.normal(0, 0.05, entries),
        flip=np.repeat(rng.integers(0, 2, variants).astype(np.uint8), scores),
        kind=np.zeros(entries, np.uint8),
        group=np.zeros(scores, np.int32),
    )
    packed = rng.integers(0, 256, (variants, samples // 4), dtype=np.uint8)
    packed &= ~(packed & (packed >> 1) & 0x55)
    chunk = GenotypeChunk(index, samples, packed)

    def work() -> None:
        kernel = open_kernel(weights, samples, threads)
        kernel.add(chunk)
        kernel.finish()

    return best(work)


def main() -> None:
    """Measure both and print."""
    samples, variants, scores, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    left, right = torch.rand(_SIDE, _SIDE), torch.rand(_SIDE, _SIDE)
    peak = 2 * _SIDE**3 / best(lambda: torch.mm(left, right))
    kernel = 2.0 * samples * variants * scores / kernel_seconds(samples, variants, scores, threads)
    peak = max(peak, 2 * _SIDE**3 / best(lambda: torch.mm(left, right)))
    print(json.dumps({"peak_gflops": peak / 1e9, "kernel_gflops": kernel / 1e9}))


if __name__ == "__main__":
    main()
