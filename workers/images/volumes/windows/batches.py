"""Batches of equal windows through one network: timed, cut smaller where memory is short, refused one by one."""

import sys
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from schemas.errors import RecordError, SpecError
from schemas.status import Status
from workers.images.volumes.card import VolumeCard
from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.finished import Tally
from workers.images.volumes.windows.shown import logits_of
from workers.models.memory import memory_error
from workers.models.memory_ladder import MemoryLadder
from workers.pipeline.refused_records import score_in_halves
from workers.pipeline.tuning import Tuner

T = TypeVar("T")
Write = Callable[[T, Any], None]
"""Writes an item's voxels to (channels, *shape) float32: a numpy array on the CPU, else a tensor on the device."""


class Batches:
    """Runs items of one shape with one model."""

    def __init__(self, model: VolumeModel, tuner: Tuner) -> None:
        self.model = model
        self.tuner = tuner
        self.tally = Tally()
        self.seconds = 0.0
        self.core_seconds = 0.0
        self._ladder = MemoryLadder(sys.maxsize)
        self._buffer: Tensor | None = None

    def size(self, shape: Hashable) -> int:
        """How many items of this shape to run together now."""
        return min(self.tuner.batch_size(shape), self._ladder.budget)

    def run(
        self, shape: Shape3, items: Sequence[T], write: "Write[T]", refuse: Callable[[T, RecordError], None]
    ) -> Iterator[tuple[T, Tensor]]:
        """Items with their logits, in order, without those that were refused. All have run when this returns.

        Raises MemoryError where one item is too much for the device.
        """
        forward = partial(self._forward, shape, write)
        done = self._ladder.run(
            items, lambda part: score_in_halves(part, forward, refuse), at_most=self.tuner.batch_size(shape)
        )
        batches = [batch for _, parts in done for batch in parts]
        return (pair for part, logits in batches for pair in zip(part, logits, strict=True))

    def _forward(self, shape: Shape3, write: "Write[T]", items: Sequence[T]) -> Tensor:
        try:
            with memory_error():
                batch = self._batch(len(items), shape)
                for item, row in zip(items, batch, strict=True):
                    write(item, row.numpy() if self.model.device == "cpu" else row)
                return self._timed(shape, batch)
        except MemoryError:
            self.tally.halved += len(items) > 1
            self._buffer = None
            raise

    def _batch(self, count: int, shape: Shape3) -> Tensor:
        """Room for so many items; the same as before where they were as many."""
        sides = (count, self.model.card.channels, *shape)
        if self._buffer is None or self._buffer.shape != sides:
            self._buffer = None
            self._buffer = torch.empty(sides, device=self.model.device)
        return self._buffer

    def _timed(self, shape: Shape3, batch: Tensor) -> Tensor:
        choice = self.tuner.before(shape, self.model)
        began, computing = time.perf_counter(), time.thread_time()
        try:
            logits = logits_of(self.model, batch)
            if logits.is_cuda:
                torch.cuda.synchronize()
            if logits.untyped_storage().data_ptr() == batch.untyped_storage().data_ptr():
                # A network that hands its input on: the next batch is written over it.
                logits = logits.clone()
        finally:
            spent = time.perf_counter() - began
            self.seconds += spent
            self.core_seconds += time.thread_time() - computing
        self.tuner.after(shape, choice, len(batch), spent)
        _check_shape(logits, batch, self.model.card)
        return logits


def _check_shape(logits: Tensor, batch: Tensor, card: VolumeCard) -> None:
    """Raises RecordError where a network that takes volumes whole, along some axis at least, answers this one with
    another grid: others may fit it. SpecError where its card is wrong."""
    found, sides = tuple(logits.shape), tuple(batch.shape[2:])
    expected = (len(batch), card.outputs, *(sides if card.task == "segmentation" else ()))
    if found == expected:
        return
    is_whole = card.windows is None or min(card.windows.roi) <= 0
    if is_whole and len(found) == len(expected) and found[:2] == expected[:2]:
        raise RecordError(
            Status.OUT_OF_CONTRACT,
            f"the network answers a volume of {_by(sides)} voxels with {_by(found[2:])}: let `pad` with multiple_of "
            "prepare a size that it keeps, or give the model windows",
        )
    raise SpecError(
        f"the network answers with {found} where its card asks for {expected}: correct `outputs` or the window's size "
        "in the model directory"
    )


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
