"""What comes out of a network on volumes, and what it took."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.status import Fault
from workers.images.volumes.volume import Volume


@dataclass(frozen=True)
class Finished:
    """A volume that went through a network.

    `value` is what its sink kept of a segmentation, or the scores of a classification, (outputs,) float32 after the
    card's activation; None where there is a `fault`.
    """

    key: Hashable
    value: Any = None
    fault: Fault | None = None


@dataclass
class Tally:
    """Windows and falls since the start, for reports."""

    windows: int = 0
    """Windows of all volumes."""
    reused: int = 0
    """Those among them that have one value, or are all air, and took the logits of one that was shown before."""
    halved: int = 0
    """How often a batch was too large for the device and was halved for good."""
    moved: int = 0
    """How often the sums over windows had to move from the device to the processor's memory."""


class Runner(Protocol):
    """Volumes of one shard through one network. `runner.open_runner(model, tuner, open_sink, room)` opens one, for
    either task: `tuner` a `workers.pipeline.tuning.Tuner`, `open_sink` a `workers.images.volumes.contract.OpenSink`
    (not asked for a classification), `room` the bytes of memory on the model's device, or None."""

    @property
    def seconds(self) -> float:
        """Seconds in forward passes since the start."""

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in forward passes since the start."""

    @property
    def held_bytes(self) -> int:
        """Voxels of volumes that were taken in and are not finished."""

    @property
    def tally(self) -> Tally:
        """Windows and falls since the start."""

    def start(self) -> None:
        """Forget what a shard that failed half-way has left."""

    def add(self, key: Hashable, volume: Volume) -> list[Finished]:
        """Take a volume in, and run whatever batches it fills. Returns the volumes that this finished, in the order
        in which they were added; those of earlier calls may be among them, this one may not.

        Raises NoMemoryError where the device has no room for a single window of a fixed size.
        """

    def flush(self) -> list[Finished]:
        """Run what still waits, at the end of a shard. Returns the rest of the volumes, in order."""
