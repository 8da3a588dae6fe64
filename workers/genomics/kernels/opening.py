"""Which kernel a run's weights and device need."""

from collections.abc import Callable
from functools import partial

from workers.genomics.contract import Kernel, Weights
from workers.genomics.kernels.features import Table, weights_table
from workers.genomics.kernels.packed import PackedKernel
from workers.genomics.kernels.panels import panel_adder
from workers.genomics.kernels.sample_threads import SampleThreads, packed_bytes
from workers.genomics.kernels.sums import Panels, Totals, Walked

_BLOCK_ROWS = 1024
"""Variants that are summed in float32 at most, where that is done"""


def open_kernel(weights: Weights, samples: int, threads: int, device: str = "cpu") -> Kernel:
    """A kernel for `samples` samples on at most `threads` threads. `device` is one of torch: `cpu`, `cuda`, `cuda:1`.

    On the CPU, look-up in packed calls is quicker than a matrix product of floats for any number of scores.
    """
    table = weights_table(weights)
    size = packed_bytes(samples)
    pool = SampleThreads(size, threads)
    make = _on_cpu(table, size, pool) if device == "cpu" else partial(_on_device, table, size, device)
    return PackedKernel(table, samples, _BLOCK_ROWS, make, pool)


def _on_cpu(table: Table, size: int, threads: SampleThreads) -> Callable[[], Totals]:
    """The quicker way by measured costs: a walk pays for each of its weights, a panel for all columns."""
    filled = len(table.column) / max(1, len(table.weights.variant_idx))
    dense = 0.7 if table.columns <= panel_adder(wide=True)[1] else 1.5 + table.columns / 10
    way = Panels if filled > dense else Walked
    return partial(way, size, table.columns, table.scores, threads)


def _on_device(table: Table, size: int, device: str) -> Totals:
    # torch takes seconds to import, and a run on the CPU does without it.
    from workers.genomics.kernels.products import Products  # noqa: PLC0415

    return Products(size, table.columns, table.scores, device)
