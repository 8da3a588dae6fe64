"""The reading side of collection `events`: rows of subjects, cut as of each prediction time, encoded for each model."""

import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.status import Fault, Status
from workers.ehr.events.asof import AsOf, as_of
from workers.ehr.events.contract import STATIC, EventEncoder, Histories
from workers.ehr.events.fetching import NOT_WHOLE, SubjectFetcher, SubjectRows, Wanted
from workers.ehr.events.rowsource import Run
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead
from workers.pipeline.reading import Prepared, at_rows

CHUNK_ROWS = 500_000
"""Rows of subjects that are read at a time, but for a subject that alone has more."""
PART_EVENTS = 1_000_000
"""Events of histories that are encoded at a time: a subject with many prediction times has its events once for each."""
_DEPTH = 2

LAST_EVENT_TIME = "last_event_time"
N_EVENTS = "n_events"
HEADER_TYPES = {LAST_EVENT_TIME: "timestamp", N_EVENTS: "int64"}
"""What every row says of its history. Both are of the events that the model was given: null and 0 for none. Times are
numbers of microseconds until they are written: a calendar of Python ends at the year 9999."""

_NOT_THERE = Fault(Status.NO_EVENTS, "the subject is not in the data")
_NOT_KNOWN = Fault(Status.UNREADABLE, "the subject is in no data file that could be read, and some could not")
_NOTHING_YET = Fault(Status.NO_EVENTS, "no event with a time up to the prediction time")


@dataclass(frozen=True)
class _Chunk:
    """Some subjects, and for each of their records its row in the shard, which of them it is of, and its time."""

    wanted: Sequence[Wanted]
    rows: NDArray[np.int64]
    of: NDArray[np.int64]
    prediction_time: NDArray[np.int64]


class EventReader:
    """Implements `workers.pipeline.reading.Reader`.

    `inputs` of the first record of a part is one `EncodedHistories` a model, in the order of `encoders`, for all good
    records of the part; the others have none. While a part is encoded the next rows are read.
    """

    def __init__(self, fetcher: SubjectFetcher, encoders: Sequence[EventEncoder], budget: ByteBudget) -> None:
        self.prepare_seconds = 0.0
        self._fetcher = fetcher
        self._encoders = encoders
        self._budget = budget
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="events")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, a part at a time."""

        def submit(chunk: _Chunk) -> Future[SubjectRows]:
            return self._ahead.submit(self._fetch, chunk)

        ahead = read_ahead(_chunks(records), submit, _DEPTH, self._budget, lambda found: found.nbytes)
        with closing(ahead):
            for chunk, found in ahead:
                yield from self._prepared(chunk, found)

    def _fetch(self, chunk: _Chunk) -> SubjectRows:
        began = time.thread_time()
        with at_rows(int(chunk.rows.min()), int(chunk.rows.max())):
            found = self._fetcher.fetch(chunk.wanted)
        self.prepare_seconds += time.thread_time() - began
        self._budget.add(found.nbytes)
        return found

    def _prepared(self, chunk: _Chunk, found: SubjectRows) -> Iterator[list[Prepared]]:
        try:
            cut = as_of(
                found.time,
                found.known,
                found.offsets[chunk.of],
                found.offsets[chunk.of + 1],
                chunk.prediction_time,
            )
            for start, end in _parts(cut.n_events):
                yield self._part(chunk, found, cut, slice(start, end))
        finally:
            self._budget.add(-found.nbytes)

    def _part(self, chunk: _Chunk, found: SubjectRows, cut: AsOf, part: slice) -> list[Prepared]:
        began = time.thread_time()
        of, times = chunk.of[part], chunk.prediction_time[part]
        here = cut.take(part)
        good = here.n_timed > 0
        encoded = self._encode(found, here.take(np.flatnonzero(good)), times[good])
        nbytes = sum(item.nbytes for item in encoded)
        self._budget.add(nbytes)
        prepared = [
            self._one(int(row), found.faults.get(int(subject)), int(last), int(count))
            for row, subject, last, count in zip(
                chunk.rows[part], of, here.last_time(found.time), np.where(good, here.n_events, 0), strict=True
            )
        ]
        if encoded:
            bearer = prepared[int(np.flatnonzero(good)[0])]
            bearer.inputs, bearer.nbytes = encoded, nbytes
        self.prepare_seconds += time.thread_time() - began
        return prepared

    def _encode(self, found: SubjectRows, cut: AsOf, times: NDArray[np.int64]) -> list[Any]:
        if not len(times):
            return []
        rows, offsets = cut.rows(found.time, times)
        histories = Histories(offsets, times, found.code_names, found.code[rows], found.time[rows], found.value[rows])
        return [encoder.encode(histories) for encoder in self._encoders]

    def _one(self, row: int, fault: Fault | None, last: int, count: int) -> Prepared:
        if fault is None and last == STATIC:
            fault = _NOTHING_YET
        columns = {N_EVENTS: count, LAST_EVENT_TIME: None if last == STATIC else last}
        if fault is None:
            return Prepared(row, columns=columns)
        return Prepared(row, status=fault[0], detail=fault[1], columns=columns)

    def close(self) -> None:
        """Stop reading ahead."""
        self._ahead.shutdown(wait=False, cancel_futures=True)


def _chunks(records: pa.Table) -> Iterator[_Chunk]:
    """Neighbouring records with one subject are never in two chunks."""
    subject = records["subject_id"].combine_chunks().cast(pa.int64()).to_numpy()
    times = records["prediction_time"].combine_chunks().cast(pa.int64()).to_numpy()
    starts = np.flatnonzero(np.concatenate([np.ones(1, bool), subject[1:] != subject[:-1]]))
    ends = np.append(starts[1:], len(subject))
    wanted = _wanted(subject[starts], records.take(pa.array(starts)))
    for first, last in _parts(np.array([one.rows for one in wanted]), CHUNK_ROWS):
        rows = np.arange(starts[first], ends[last - 1])
        of = np.searchsorted(starts[first:last], rows, side="right") - 1
        yield _Chunk(wanted[first:last], rows, of, times[rows])


def _wanted(subjects: NDArray[np.int64], records: pa.Table) -> list[Wanted]:
    """One a subject, from its first record."""
    names = ("uri", "etag", "member", "rows")
    uris, etags, firsts, rows = (records[name].to_pylist() for name in names)
    more = records["more_runs"].to_pylist() if "more_runs" in records.column_names else [None] * len(subjects)
    found = []
    for place, subject in enumerate(subjects.tolist()):
        if firsts[place] is None or rows[place] is None:
            found.append(Wanted(subject, (), _fault(firsts[place], rows[place])))
            continue
        first = Run(uris[place], etags[place], firsts[place], rows[place])
        found.append(Wanted(subject, (first, *(Run(**run) for run in more[place] or ()))))
    return found


def _fault(first: int | None, rows: int | None) -> Fault:
    if first is not None:
        return NOT_WHOLE
    return _NOT_KNOWN if rows is None else _NOT_THERE


def _parts(sizes: NDArray[np.int64], limit: int = PART_EVENTS) -> Iterator[tuple[int, int]]:
    """Neighbours whose sizes add up to no more than `limit`; one that alone is larger is alone."""
    ends = np.cumsum(sizes)
    start = done = 0
    while start < len(sizes):
        end = max(start + 1, int(np.searchsorted(ends, done + limit, side="right")))
        yield start, end
        start, done = end, int(ends[end - 1])
