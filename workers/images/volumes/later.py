"""The way back to the original grid beside the network's thread. Imports torch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from workers.images.volumes.contract import SlabSink
from workers.pipeline.behind import Lane, Later


class LaterSink:
    """Implements `workers.images.volumes.contract.SlabSink` in the processor's memory: what another sink does with each
    slab is a piece of a lane. Keeps a `Later`."""

    def __init__(self, open_sink: Callable[[], SlabSink], lane: Lane) -> None:
        self._open = open_sink
        self._sink: SlabSink | None = None
        self._lane = lane

    def take(self, slab: torch.Tensor) -> None:
        """Queue the next rows; waits while too many wait. Raises what the sink raised of earlier ones."""
        self._lane.put(partial(self._take, slab), slab.untyped_storage().nbytes())

    def finish(self) -> Later:
        """What is kept, later."""
        return Later(self._lane, self._finish)

    @torch.inference_mode()
    def _take(self, slab: torch.Tensor) -> None:
        self._opened().take(slab)

    @torch.inference_mode()
    def _finish(self) -> Any:
        return self._opened().finish()

    def _opened(self) -> SlabSink:
        self._sink = self._sink or self._open()
        return self._sink
