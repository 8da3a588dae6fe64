"""From histories to what a network on events takes: indices, scaled values, days. Without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from schemas.frozen import Frozen
from schemas.status import Fault, Status
from workers.ehr.events.contract import STATIC, Histories
from workers.ehr.events.formats.times import Flags, Floats, Integers, Timeline
from workers.ehr.events.formats.vocabulary import Fallback, Vocabulary
from workers.ehr.events.networks.settings import UNKNOWN, EventInput, Visits

BIRTHS = ("MEDS_BIRTH", "SNOMED/3950001")
"""Codes of a birth: that of MEDS, and that of CLMBR's vocabulary."""
NOTHING_KNOWN = "none of the record's events is in the model's vocabulary"
NOTHING_RECENT = "none of the record's events lies in the model's window"


class Encoding(Frozen):
    """How a model wants its events.

    `oov`: a code without an index becomes the unknown one, or is left out. `fallback`: tried first, in this order.
    `window_days`: only events of so many days before the prediction time, and static ones. `max_events`: the latest
    ones are kept, and `truncated` says so. `clip`: scaled values stay between -clip and clip.
    """

    oov: Literal["unknown", "drop"] = "unknown"
    fallback: tuple[Fallback, ...] = ()
    window_days: float | None = Field(default=None, gt=0, le=1_000_000)
    max_events: int | None = Field(default=None, ge=1)
    clip: float | None = Field(default=None, gt=0)


@dataclass(frozen=True)
class Origin:
    """Where the kept events come from, for explanations: place in the record's history, time, code."""

    place: NDArray[np.int32]
    time: Integers
    code: NDArray[np.int32]
    code_names: Sequence[str]


@dataclass(frozen=True)
class EncodedEvents:
    """Some records, their kept events one behind the other. `columns` and `visit`:
    `workers.ehr.events.networks.packed`.
    """

    lengths: Integers
    """(records,) events that are used; 0 only where the record is refused"""
    code: NDArray[np.int32]
    columns: Mapping[EventInput, Floats]
    visit: Integers | None
    oov_rate: Floats
    """(records,) share of events in the window that have no index"""
    truncated: Flags
    """(records,)"""
    refused: Mapping[int, Fault] = field(default_factory=dict)
    origin: Origin | None = None

    def __len__(self) -> int:
        """Number of records."""
        return len(self.lengths)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        arrays: list[NDArray[Any]] = [self.lengths, self.code, self.oov_rate, self.truncated, *self.columns.values()]
        arrays += [] if self.visit is None else [self.visit]
        arrays += [] if self.origin is None else [self.origin.place, self.origin.time, self.origin.code]
        return sum(array.nbytes for array in arrays)


class EventEncoder:
    """Encodes histories for one model. `inputs`, `visits`: what its network asks for; `explains`: keep `origin`."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        encoding: Encoding,
        inputs: Sequence[EventInput],
        visits: Visits = "event",
        explains: bool = False,
    ) -> None:
        self._vocabulary, self._encoding = vocabulary, encoding
        self._inputs, self._visits, self._explains = tuple(inputs), visits, explains
        self._known: tuple[Sequence[str], NDArray[np.int32]] = ((), np.zeros(0, np.int32))

    def encode(self, histories: Histories) -> EncodedEvents:
        """The events of each history that the network sees, as numbers of its vocabulary."""
        index = self._indices(histories.code_names)[histories.code]
        events = Timeline(np.diff(histories.offsets), histories.time, histories.prediction_time)
        days = self._encoding.window_days
        wanted = None if days is None else events.recent(days)
        considered = events.lengths if wanted is None else events.count(wanted)
        unknown = index == UNKNOWN
        oov = events.count(unknown if wanted is None else unknown & wanted)
        if self._encoding.oov == "drop" and oov.any():
            wanted = ~unknown if wanted is None else wanted & ~unknown
        before = considered if wanted is None else events.count(wanted)
        kept, lengths = self._latest(events, wanted, before)
        cut = events if kept is None else events.take(kept, lengths)
        value = histories.value
        if kept is not None:
            index, value = index[kept], value[kept]
        return EncodedEvents(
            lengths=lengths,
            code=index,
            columns={name: self._column(name, cut, value, index, histories) for name in self._inputs},
            visit=None if self._visits == "event" else cut.visits(self._visits),
            oov_rate=(oov / np.maximum(considered, 1)).astype(np.float32),
            truncated=lengths < before,
            refused={
                int(record): Fault(Status.NO_EVENTS, NOTHING_KNOWN if considered[record] else NOTHING_RECENT)
                for record in np.flatnonzero(lengths == 0)
            },
            origin=self._origin(histories, events, kept) if self._explains else None,
        )

    def _indices(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Looked up once for all parts that share their list of codes."""
        if self._known[0] is not names:
            self._known = (names, self._vocabulary.lookup(names))
        return self._known[1]

    def _latest(self, events: Timeline, wanted: Flags | None, counts: Integers) -> tuple[Integers | None, Integers]:
        """Places of the events to keep (None: all), and how many each record has of them."""
        most = self._encoding.max_events
        kept = None if wanted is None else np.flatnonzero(wanted)
        if most is None or not len(counts) or counts.max() <= most:
            return kept, counts
        from_end = np.repeat(np.cumsum(counts), counts) - np.arange(counts.sum())
        late = np.flatnonzero(from_end <= most)
        return late if kept is None else kept[late], np.minimum(counts, most)

    def _column(
        self, name: EventInput, events: Timeline, value: Floats, index: NDArray[np.int32], histories: Histories
    ) -> Floats:
        match name:
            case "value":
                return self._scaled(value, index)
            case "delta":
                return events.delta()
            case "ago":
                return events.ago()
            case "age":
                return events.age(births(histories))

    def _scaled(self, value: Floats, index: NDArray[np.int32]) -> Floats:
        """Missing where the code has no scale: the network never saw such a value."""
        if self._vocabulary.mean is None or self._vocabulary.std is None:
            return value
        scaled = np.full(len(value), np.nan, np.float32)
        there = np.flatnonzero(~np.isnan(value))
        code = index[there]
        scaled[there] = (value[there] - self._vocabulary.mean[code]) / self._vocabulary.std[code]
        if self._encoding.clip is not None:
            np.clip(scaled, -self._encoding.clip, self._encoding.clip, out=scaled)
        return scaled

    def _origin(self, histories: Histories, events: Timeline, kept: Integers | None) -> Origin:
        place = (np.arange(len(events.time)) - np.repeat(histories.offsets[:-1], events.lengths)).astype(np.int32)
        kept = np.arange(len(place)) if kept is None else kept
        return Origin(place[kept], histories.time[kept], histories.code[kept], histories.code_names)


def births(histories: Histories) -> Integers:
    """(records,) time of the first birth in each history, kept for the model or not; `STATIC` where there is none."""
    is_birth = np.array([name.partition("//")[0] in BIRTHS for name in histories.code_names], np.bool_)
    events = np.flatnonzero(is_birth[histories.code] & (histories.time != STATIC))[::-1]
    found = np.full(len(histories), STATIC, np.int64)
    # Of several births the first one is written last.
    found[np.searchsorted(histories.offsets, events, side="right") - 1] = histories.time[events]
    return found
