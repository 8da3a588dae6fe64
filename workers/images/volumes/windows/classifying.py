"""Whole volumes through one network, in batches of one shape."""

from collections import Counter, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.contract import Array
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.volume import Shape3, Volume
from workers.images.volumes.windows.base import BatchRunner
from workers.images.volumes.windows.finished import Finished
from workers.images.volumes.windows.passage import check
from workers.models.activation import activate
from workers.pipeline.tuning import Tuner

_WAITING_BYTES = 512 * 2**20
"""Volumes of several shapes that wait for their batches to fill may hold so much."""


@dataclass(eq=False)
class _Taken:
    """A volume that was taken in, until it has scores or a fault."""

    key: Hashable
    voxels: Array | None
    scores: Array | None = None
    fault: Fault | None = None

    def refuse(self, error: RecordError) -> None:
        self.fault, self.voxels = Fault(Status(error.status), error.detail), None

    def write(self, target: Any) -> None:
        assert self.voxels is not None
        target[...] = self.voxels if isinstance(target, np.ndarray) else torch.from_numpy(np.array(self.voxels))


class ClassifyRunner(BatchRunner):
    """`workers.images.volumes.windows.finished.Runner` of a classification."""

    def __init__(self, model: VolumeModel, tuner: Tuner, room: int | None = None) -> None:
        super().__init__(model, tuner, room)
        self._taken: deque[_Taken] = deque()
        self._waiting: dict[Shape3, list[_Taken]] = {}

    @property
    def held_bytes(self) -> int:
        """Voxels of volumes that were taken in and are not finished."""
        return sum(self._bytes_by_shape().values())

    def start(self) -> None:
        """Forget what a shard that failed half-way has left."""
        self._taken.clear()
        self._waiting.clear()

    @torch.inference_mode()
    def add(self, key: Hashable, volume: Volume) -> list[Finished]:
        """Take a volume in, and run the batch that it fills; see `Runner`."""
        taken = _Taken(key, volume.voxels)
        self._taken.append(taken)
        try:
            check(volume, self._model.card)
            if problem := self._too_large(volume.grid.shape):
                raise RecordError(Status.TOO_LARGE, problem)
        except RecordError as error:
            taken.refuse(error)
        else:
            self._put(volume.grid.shape, taken)
        return list(self._finished())

    @torch.inference_mode()
    def flush(self) -> list[Finished]:
        """Run what still waits. Returns the rest of the volumes, in order."""
        for shape in list(self._waiting):
            self._run(shape)
        return list(self._finished())

    def _put(self, shape: Shape3, taken: _Taken) -> None:
        waiting = self._waiting.setdefault(shape, [])
        waiting.append(taken)
        if len(waiting) >= self._batches.size(shape):
            self._run(shape)
            return
        held = self._bytes_by_shape()
        if len(held) > 1 and held.total() > _WAITING_BYTES:
            self._run(max(held, key=held.__getitem__))

    def _bytes_by_shape(self) -> Counter[Shape3]:
        held: Counter[Shape3] = Counter()
        for shape, waiting in self._waiting.items():
            held[shape] = sum(taken.voxels.nbytes for taken in waiting if taken.voxels is not None)
        return held

    def _run(self, shape: Shape3) -> None:
        waiting = self._waiting.pop(shape)
        try:
            done = list(self._batches.run(shape, waiting, _Taken.write, _Taken.refuse))
        except MemoryError:
            done = []
        for taken, logits in done:
            taken.scores = activate(logits[None], self._model.card.activation)[0].cpu().numpy()
        for taken in waiting:
            self.tally.windows += 1
            taken.voxels = None
            if taken.scores is None and taken.fault is None:
                taken.refuse(RecordError(Status.TOO_LARGE, "the device has no memory for a volume of this size"))

    def _finished(self) -> Iterator[Finished]:
        while self._taken and (self._taken[0].scores is not None or self._taken[0].fault is not None):
            done = self._taken.popleft()
            yield Finished(done.key, done.scores, done.fault)
