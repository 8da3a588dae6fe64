"""Which kernel a run's weights and device need."""

from __future__ import annotations

from functools import partial

from workers.genetics.contract import Kernel, Weights
from workers.kernels.crew import Crew, packed_bytes
from workers.kernels.features import weights_table
from workers.kernels.packed import PackedKernel
from workers.kernels.sums import Panels, Walked

_BLOCK_BYTES = 32 << 20


def open_kernel(weights: Weights, samples: int, threads: int, device: str = "cpu") -> Kernel:
    """A kernel for `samples` samples on at most `threads` threads. `device`: `cpu`, `cuda`, `cuda:1`."""
    table = weights_table(weights)
    size = packed_bytes(samples)
    crew = Crew(size, threads)
    rows = max(1, len(weights.variant_idx))
    dense = len(table.column) / rows > 1.5 + table.columns / 10
    make = partial(Panels if dense else Walked, size, table.columns, table.scores, crew)
    return PackedKernel(table, samples, 1024, make, crew)
