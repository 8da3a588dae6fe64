"""Choose batch size and memory layout by timing them on the first real batches, which costs no work twice.

Each kind of batch (same key) tries the candidates in turn on batches that have to be scored anyway; the fastest an
array wins. Every candidate gives the same answer within float32 rounding. What was found is kept in the run
directory, so that later workers of the same device kind start with it.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol, runtime_checkable

CPU_BATCHES = (4, 8, 16, 32)
GPU_BATCHES = (32, 64, 128, 256)
_ROUNDS = 3


@runtime_checkable
class HasLayouts(Protocol):
    """A model that can run with another memory layout."""

    def configure(self, channels_last: bool) -> None:
        """Use this layout from now on."""


@dataclass(frozen=True)
class Choice:
    """One way to run a batch."""

    batch: int
    channels_last: bool | None = None


class Tuner:
    """The choice for each batch key. `fixed`: no measurement, so that batch shapes never vary."""

    def __init__(
        self,
        model: object,
        device: str,
        fixed: int | None = None,
        known: Mapping[str, Any] | None = None,
        batches: Sequence[int] = (),
    ) -> None:
        """`batches` are the sizes to try, unless images of one file each are meant."""
        self.known = dict(known or {})
        self._layouts = (False, True) if isinstance(model, HasLayouts) else (None,)
        tried = tuple(batches) or (GPU_BATCHES if device.startswith("cuda") else CPU_BATCHES)
        self._batches = (fixed,) if fixed else tried
        self._fixed = fixed is not None
        self._times: dict[Hashable, dict[Choice, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._best: dict[Hashable, Choice] = {}
        self._current: bool | None = None
        self.measured = False
        """Whether this worker found a choice of its own that is worth keeping."""

    def batch_size(self, key: Hashable) -> int:
        """How many arrays of this key to run together now."""
        return self._choice(key).batch

    def before(self, key: Hashable, model: object) -> Choice:
        """Set the model up for the next batch of this key."""
        choice = self._choice(key)
        if isinstance(model, HasLayouts) and choice.channels_last is not None and self._current != choice.channels_last:
            model.configure(channels_last=choice.channels_last)
            self._current = choice.channels_last
        return choice

    def after(self, key: Hashable, choice: Choice, arrays: int, seconds: float) -> None:
        """Tell how long it took. Batches cut short by the end of a shard say nothing."""
        if self._fixed or key in self._best or arrays != choice.batch:
            return
        times = self._times[key]
        times[choice].append(seconds / arrays)
        if all(len(times[candidate]) >= _ROUNDS for candidate in self._candidates()):
            self._best[key] = min(self._candidates(), key=lambda candidate: median(times[candidate]))
            self.known[repr(key)] = {"batch": self._best[key].batch, "channels_last": self._best[key].channels_last}
            del self._times[key]
            self.measured = True

    def _choice(self, key: Hashable) -> Choice:
        best = self._best.get(key)
        if best is not None:
            return best
        remembered = self.known.get(repr(key))
        if remembered is not None and not self._fixed:
            self._best[key] = Choice(int(remembered["batch"]), remembered["channels_last"])
            return self._best[key]
        # The candidate that was tried least, so that a busy moment of the machine falls on all of them alike.
        times = self._times[key]
        return min(self._candidates(), key=lambda candidate: len(times[candidate]))

    def _candidates(self) -> list[Choice]:
        # Unmeasured, channels last: it was never the slower one where both were measured (docs/decisions.md).
        layouts = (self._layouts[-1],) if self._fixed else self._layouts
        return [Choice(batch, layout) for batch in self._batches for layout in layouts]
