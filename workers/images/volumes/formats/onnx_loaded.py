"""Loads and runs what workers.images.volumes.formats.onnx describes. Imports onnxruntime and torch."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.contract import ModelCard, Placement
from workers.images.formats.onnx_session import DTYPES, open_session, run_batches
from workers.images.volumes.card import VolumeCard, volume_card
from workers.models.device import set_up


class OnnxVolume:
    """An onnxruntime session that takes windows. Implements `workers.images.volumes.contract.VolumeModel`.

    Windows pass through the memory of the host, from CUDA too.
    """

    def __init__(self, session: Any, output: str, card: VolumeCard, device: str) -> None:
        self.card = card
        self.device = device
        self._session = session
        self._output = output
        taken = session.get_inputs()[0]
        self._input: str = taken.name
        self._dtype = np.dtype(DTYPES[taken.type])
        sizes = [size if isinstance(size, int) and size > 0 else None for size in taken.shape]
        self._batch, self._sides = sizes[0], sizes[2:]

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of windows, (N, channels, i, j, k) float32 on any device.

        Raises RecordError (out_of_contract) for windows that the graph cannot take, MemoryError.
        """
        for what, wanted, found in (
            ("channel(s)", self.card.channels, windows.shape[1]),
            *(
                ("voxels along each axis", side, given)
                for side, given in zip(self._sides, windows.shape[2:], strict=True)
            ),
        ):
            if wanted not in (None, found):
                raise RecordError(
                    Status.OUT_OF_CONTRACT, f"the model takes {wanted} {what}, the prepared volume has {found}"
                )
        given = np.ascontiguousarray(windows.cpu().numpy(), self._dtype)
        (found_logits,) = run_batches(self._session, [self._output], self._input, given, self._batch)
        return torch.from_numpy(found_logits.astype(np.float32, copy=False)).to(self.device)


def load(path: Path, card: ModelCard, placement: Placement) -> OnnxVolume:
    """Open a session on the device. Raises SpecError where ONNX Runtime does not take the file."""
    set_up(placement.threads)
    volume = volume_card(card)
    if volume is None:
        raise SpecError(f"{path}: is a model on single images, not on volumes")
    session = open_session(path, placement.device, placement.threads)
    taken = session.get_inputs()[0]
    if np.dtype(DTYPES.get(taken.type, "uint8")).kind != "f":
        raise SpecError(f"{path}: takes {taken.type}, must take floats")
    return OnnxVolume(session, card.settings["graph_output"], volume, placement.device)
