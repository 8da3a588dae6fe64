"""Arrays of images to a tensor on the device, and the last prepare steps there."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from schemas.errors import RecordError
from schemas.status import Status
from workers.contract import Affine, Array


class ToTensor:
    """Arrays (rows, columns) or (rows, columns, channels), of one shape and dtype, to a (N, C, H, W) float32 tensor.

    They travel in the type they came in and become `(x * scale - mean) / std` on the device. `size` is rows and columns
    where the network takes no other.
    """

    def __init__(
        self,
        affine: Affine | None,
        device: str,
        channels: int | None,
        smallest_side: int = 1,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.affine = affine or Affine()
        self.device = torch.device(device)
        self.channels = channels
        self.smallest_side = smallest_side
        self.size = size
        self._mean = _constant(self.affine.mean, 0.0, self.device)
        self._std = _constant(self.affine.std, 1.0, self.device)

    def check(self, array: Array) -> None:
        """Raises RecordError (out_of_contract) if the network cannot take this array."""
        if array.ndim not in (2, 3) or array.dtype.kind not in "uifb":
            raise RecordError(Status.OUT_OF_CONTRACT, "the model takes numeric images of two dimensions")
        channels = 1 if array.ndim == 2 else array.shape[2]
        if self.channels is not None and channels != self.channels:
            detail = f"the model takes {self.channels} channel(s), the prepared image has {channels}"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)
        if max(len(self.affine.mean), len(self.affine.std)) not in (1, channels):
            raise RecordError(Status.OUT_OF_CONTRACT, "the normalisation is for another number of channels")
        if self.size not in (None, array.shape[:2]):
            detail = f"the model takes images of {self.size[0]} x {self.size[1]} pixels"
            raise RecordError(
                Status.OUT_OF_CONTRACT, f"{detail}, the prepared image has {array.shape[0]} x {array.shape[1]}"
            )
        if min(array.shape[:2]) < self.smallest_side:
            detail = f"the model takes images of {self.smallest_side} pixels a side or more"
            raise RecordError(Status.OUT_OF_CONTRACT, detail)

    def __call__(self, batch: Sequence[Array], channels_last: bool) -> Tensor:
        """(N, C, H, W) float32 on the device, contiguous in the layout asked for."""
        self.check(batch[0])
        raw = self._stack(batch)
        raw = raw.to(self.device, non_blocking=True)
        images = raw[:, None] if raw.ndim == 3 else raw.permute(0, 3, 1, 2)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        x = images.to(torch.float32, memory_format=layout, copy=True)
        if self.affine.scale != 1.0:
            x.mul_(self.affine.scale)
        if self._mean is not None:
            x.sub_(self._mean)
        if self._std is not None:
            x.div_(self._std)
        return x

    def _stack(self, batch: Sequence[Array]) -> Tensor:
        first = batch[0]
        kind = torch.from_numpy(np.empty(0, first.dtype)).dtype
        stacked = torch.empty((len(batch), *first.shape), dtype=kind, pin_memory=self.device.type == "cuda")
        np.stack(batch, out=stacked.numpy())
        return stacked


def _constant(values: tuple[float, ...], neutral: float, device: torch.device) -> Tensor | None:
    if all(value == neutral for value in values):
        return None
    return torch.tensor(values, dtype=torch.float32, device=device).reshape(1, -1, 1, 1)
