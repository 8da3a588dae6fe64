"""Sums by matrix products in torch, for devices other than the CPU: float32 within a block, float64 between blocks.

The packed rows go to the device as they are and become floats there, a tile of samples at a time.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from workers.genomics.kernels.features import Features
from workers.genomics.kernels.sums import dense

_TILE_FLOATS = 1 << 25
"""Values of a tile, 128 MB in float32"""
_TOGETHER = 512
"""Features of one product, whose sums stay in float32"""


class Products:
    """Implements `workers.genomics.kernels.sums.Totals` on a device of torch."""

    def __init__(self, size: int, columns: int, scores: int, device: str) -> None:
        self.named = np.zeros((4 * size, columns - scores))
        self._device = torch.device(device)
        self._total = torch.zeros((columns, 4 * size), dtype=torch.float64, device=self._device)
        self._shifts = torch.arange(0, 8, 2, dtype=torch.uint8, device=self._device)

    def add(self, packed: NDArray[np.uint8], features: Features) -> None:
        """Add a block by matrix products. Columns that have no weight in the block are left alone."""
        columns, column = np.unique(features.column, return_inverse=True)
        weights = dense(features.feature, column, features.weight, (len(features.row), len(columns)))
        chosen = torch.from_numpy(columns.astype(np.int64)).to(self._device)
        rows = torch.from_numpy(np.ascontiguousarray(packed)).to(self._device)
        for start in range(0, len(features.row), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            weight = torch.from_numpy(weights[part].T.astype(np.float32)).to(self._device)
            values = torch.from_numpy(features.values[part].astype(np.float32)).to(self._device)
            row = torch.from_numpy(features.row[part]).to(self._device)
            tile = max(1, _TILE_FLOATS // (4 * len(row)))
            for first in range(0, rows.shape[1], tile):
                calls = rows[:, first : first + tile][row]
                product = weight @ self._floats(calls, values)
                # Sums are float32 within one product only: over a million variants they would lose digits.
                self._total[chosen, 4 * first : 4 * first + product.shape[1]] += product.double()

    def finish(self) -> NDArray[np.float64]:
        """The totals, brought back from the device."""
        total: NDArray[np.float64] = self._total.cpu().numpy()
        total[total.shape[0] - self.named.shape[1] :] += self.named.T
        return total

    def _floats(self, calls: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(features, bytes) as what each call counts: (features, 4 x bytes)."""
        codes = (calls[:, :, None] >> self._shifts) & 3
        return values.gather(1, codes.reshape(len(calls), -1).long())
