"""Windows of many volumes through one network, in batches that know no borders between volumes."""

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from schemas.errors import NoMemoryError, RecordError
from schemas.status import Status
from workers.images.volumes.contract import OpenSink, VolumeModel
from workers.images.volumes.volume import Shape3, Volume
from workers.images.volumes.windows.alike import Alike, AlikeWindows, check_air
from workers.images.volumes.windows.base import BatchRunner
from workers.images.volumes.windows.finished import Finished
from workers.images.volumes.windows.passage import Passage
from workers.images.volumes.windows.sums import Sums
from workers.pipeline.tuning import Tuner


@dataclass(frozen=True, eq=False)
class _Window:
    """A window that waits. `is_shown`: whether the network sees it, or it takes what another of its kind got."""

    passage: Passage
    start: Shape3
    kind: Alike | None
    is_shown: bool


class SegmentRunner(BatchRunner):
    """`workers.images.volumes.windows.finished.Runner` of a segmentation."""

    def __init__(self, model: VolumeModel, tuner: Tuner, open_sink: OpenSink, room: int | None = None) -> None:
        """Raises SpecError where the card's `air_below` is not true of the network."""
        super().__init__(model, tuner, room)
        check_air(model)
        self._open_sink = open_sink
        self._alike = AlikeWindows(model.card.air_below)
        self._sums = Sums(model.card, model.device, self.tally)
        self._passages: deque[Passage] = deque()
        self._waiting: list[_Window] = []
        self._to_show = 0

    @property
    def held_bytes(self) -> int:
        """Voxels of volumes that were taken in and are not finished."""
        return sum(passage.held_bytes for passage in self._passages)

    def start(self) -> None:
        """Forget what a shard that failed half-way has left."""
        self._passages.clear()
        self._waiting, self._to_show = [], 0

    @torch.inference_mode()
    def add(self, key: Hashable, volume: Volume) -> list[Finished]:
        """Take a volume in, and run the batches that it fills; see `Runner`."""
        passage = Passage(key, volume, self._model.card, self._model.device)
        self._passages.append(passage)
        if problem := self._too_large(passage.cut.shape):
            passage.refuse(RecordError(Status.TOO_LARGE, problem))
        for start in passage.cut if passage.fault is None else ():
            self._put(passage, start)
            if passage.fault is not None:
                break
        return list(self._finished())

    @torch.inference_mode()
    def flush(self) -> list[Finished]:
        """Run what still waits. Returns the rest of the volumes, in order."""
        self._run()
        return list(self._finished())

    def _finished(self) -> Iterator[Finished]:
        while self._passages and self._passages[0].is_done:
            yield self._passages.popleft().finished

    def _put(self, passage: Passage, start: Shape3) -> None:
        roi = passage.cut.roi
        if self._waiting and self._waiting[0].passage.cut.roi != roi:
            self._run()
        kind, met = self._alike.kind(passage.host, start, roi)
        self._waiting.append(_Window(passage, start, kind, not met))
        self._to_show += not met
        if not self._to_show or self._to_show >= self._batches.size(roi):
            self._run()

    def _run(self) -> None:
        """Show the network what waits, and sum it up in order."""
        windows, self._waiting, self._to_show = self._waiting, [], 0
        shown = self._show([window for window in windows if window.is_shown and window.passage.fault is None])
        for window in windows:
            logits = self._logits(window, shown)
            if logits is not None and window.passage.fault is None:
                self.tally.windows += 1
                window.passage.accept(window.start, logits, self._open_sink, self._sums)

    def _logits(self, window: _Window, shown: dict[_Window, Tensor]) -> Tensor | None:
        """Those of a window, or of the one of its kind that was shown; None where it was refused."""
        kind = window.kind
        if not window.is_shown and kind is not None and kind.logits is not None:
            self.tally.reused += 1
            return kind.logits
        if not window.is_shown:
            # The first of its kind was refused with its volume, or forgotten.
            shown.update(self._show([window]))
        logits = shown.pop(window, None)
        if kind is not None and logits is not None:
            kind.logits = logits.clone()
        return logits

    def _show(self, windows: Sequence[_Window]) -> dict[_Window, Tensor]:
        """The logits of those that were not refused."""
        if not windows:
            return {}
        try:
            return dict(self._batches.run(windows[0].passage.cut.roi, windows, _write, _refuse))
        except MemoryError:
            # Left first: while it is handled, it holds on to what was computed.
            pass
        if self._alike.forget() or self._sums.leave_device(one.ring for one in self._passages if one.ring):
            return self._show(windows)
        self._give_up(windows)
        return {}

    def _give_up(self, windows: Sequence[_Window]) -> None:
        card = self._model.card.windows
        if card is not None and min(card.roi) > 0:
            raise NoMemoryError(
                "the device has no memory left for a single window: give the workers more memory, or the model "
                "smaller windows"
            )
        for window in windows:
            detail = "the device has no memory for it, and the model takes it whole"
            window.passage.refuse(RecordError(Status.TOO_LARGE, detail))


def _write(window: _Window, target: Any) -> None:
    window.passage.write(window.start, target)


def _refuse(window: _Window, error: RecordError) -> None:
    window.passage.refuse(error)
