"""What passes between the reading of histories and the models that score them.

A model on events has two halves. Its encoder runs ahead of the device, without torch: codes to the indices of its
vocabulary, values to its scale, times to differences. Its scorer takes what was encoded for a whole shard, so that it
can sort by length and cut its own batches; it gives the values back in the order it got them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.status import Fault
from workers.contract import EncoderFormat, Scorer

STATIC = int(np.iinfo(np.int64).min)
"""The time of a row without one: it holds for the subject's whole life."""


@dataclass(frozen=True)
class Histories:
    """Events of some records, in columns. Record `i` has the events `offsets[i]:offsets[i + 1]`.

    They are in the order of their time, static ones first, events of equal time in the order of the source; none is
    later than the record's prediction time (`workers.ehr.events.asof` has cut them).
    """

    offsets: NDArray[np.int64]
    """(records + 1,)"""
    prediction_time: NDArray[np.int64]
    """(records,) microseconds since 1970"""
    code_names: Sequence[str]
    """Every code that occurs, once, and maybe some that do not."""
    code: NDArray[np.int32]
    """(events,) index into `code_names`"""
    time: NDArray[np.int64]
    """(events,) microseconds since 1970, or `STATIC`"""
    value: NDArray[np.float32]
    """(events,) numeric value, NaN where there is none"""

    def __len__(self) -> int:
        """Number of records."""
        return len(self.prediction_time)


class EncodedHistories(Protocol):
    """Some records as one model's scorer takes them, in columns of its own choice."""

    def __len__(self) -> int:
        """Number of records."""

    @property
    def nbytes(self) -> int:
        """What it counts against the budget until it is scored."""

    @property
    def refused(self) -> Mapping[int, Fault]:
        """Records that this model cannot score, such as one without an event that it knows: by their place here, why,
        in our own words. The scorer gives some value for them too, which stands for nothing."""


class EventEncoder(Protocol):
    """The half of a model that needs no device. Imports no torch."""

    def encode(self, histories: Histories) -> EncodedHistories:
        """Every record in order. No record is without events. What comes out of one does not depend on the others."""


EventFormat = EncoderFormat[Scorer, EventEncoder]
"""A model format on events."""
