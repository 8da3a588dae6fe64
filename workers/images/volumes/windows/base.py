"""What runners of both tasks have in common: batches, their account, and a look at the memory that a volume needs."""

from workers.images.volumes.contract import VolumeModel
from workers.images.volumes.volume import Shape3
from workers.images.volumes.windows.batches import Batches
from workers.images.volumes.windows.finished import Tally
from workers.images.volumes.windows.need import bytes_needed
from workers.models.device_memory import room_on
from workers.pipeline.tuning import Tuner


class BatchRunner:
    """One model, and the account of what went through it."""

    def __init__(self, model: VolumeModel, tuner: Tuner, room: int | None = None) -> None:
        self._model = model
        self._batches = Batches(model, tuner)
        # Sums of logits may move to the processor's memory, which is then what decides.
        self._room = room if room is not None and model.device == "cpu" else room_on("cpu")

    @property
    def seconds(self) -> float:
        """Seconds in forward passes since the start."""
        return self._batches.seconds

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the calling thread in forward passes since the start."""
        return self._batches.core_seconds

    @property
    def tally(self) -> Tally:
        """Windows and falls since the start."""
        return self._batches.tally

    def _too_large(self, shape: Shape3) -> str:
        """Why a volume is not even tried, or nothing: a process that asks for more than there is may be killed, and
        its neighbours with it."""
        needed = bytes_needed(self._model.card, shape)
        if needed <= self._room:
            return ""
        return f"scoring it needs {needed >> 20} MiB of memory, there are {self._room >> 20}"
