"""Which kernel a run's weights and device need."""

from __future__ import annotations

from workers.genetics.contract import Kernel, Weights
from workers.kernels.crew import Crew
from workers.kernels.features import weights_table
from workers.kernels.packed import PackedKernel
from workers.kernels.sums import Laid, Totals, Walked

_BLOCK_BYTES = 32 << 20


def open_kernel(weights: Weights, samples: int, threads: int, device: str = "cpu") -> Kernel:
    """A kernel for `samples` samples on at most `threads` threads. `device`: `cpu`, `cuda`, `cuda:1`."""
    table = weights_table(weights)
    size = -(-samples // 4)
    crew = Crew(size, threads)
    rows = max(1, len(weights.variant_idx))
    height = 1024
    totals: Totals
    if len(table.column) / rows <= 3 + table.columns / 10:
        totals = Walked(size, table.columns, crew)
    else:
        totals = Laid(size, table.columns, crew)
    return PackedKernel(table, samples, height, totals, crew)
