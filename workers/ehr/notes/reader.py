"""The reading side of collection `notes`: fetch, clean, encode for every model, ahead of the device."""

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from schemas.status import Fault, Status
from workers.contract import Encoded
from workers.ehr.notes.fetching import NoteFetcher
from workers.ehr.notes.note import NOTE_TIME, NOTE_TYPE, TEXT, Note
from workers.ehr.notes.steps import Cleaning, clean
from workers.ehr.notes.versions import LEFT_OUT
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead, take_off
from workers.pipeline.reading import Prepared, at_rows, nbytes_of
from workers.text_models.contract import HasHelpers, TextEncoder

CHUNK_NOTES = 128
CHUNK_BYTES = 8 << 20
_DEPTH = 4
_GOODBYE_S = 5.0
_NOTHING_LEFT = Encoded(None, fault=Fault(Status.EMPTY, "nothing is left of the note once it is cleaned"))


@dataclass(frozen=True)
class Preparation:
    """One model's way from the text of a note to what its scorer takes. `open` is called once, by who encodes."""

    cleaning: Cleaning
    open: Callable[[], TextEncoder]


class NoteReader:
    """Implements `workers.pipeline.reading.Reader`; `inputs[m]` is what the m-th model's encoder made of it.

    One thread fetches, another cleans and encodes, so that storage is waited for while text is worked on.
    """

    def __init__(
        self, fetcher: NoteFetcher, preparations: Sequence[Preparation], budget: ByteBudget, keep_text: bool
    ) -> None:
        self.prepare_seconds = 0.0
        self._fetcher = fetcher
        self._preparations = preparations
        self._budget = budget
        self._keep_text = keep_text
        self._encoders: list[TextEncoder] = []
        self._helper_seconds = 0.0
        self._clock = threading.Lock()
        self._encoding = threading.Lock()
        self._fetch_thread = ThreadPoolExecutor(1, thread_name_prefix="fetch")
        self._encode_thread = ThreadPoolExecutor(1, thread_name_prefix="encode")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, a chunk at a time."""
        named = [name for name in ("uri", "member", "size", "etag", LEFT_OUT) if name in records.schema.names]
        rows = records.select(named).to_pylist()
        ahead = read_ahead(_chunks(rows), partial(self._start, rows), _DEPTH, self._budget, nbytes_of)
        with closing(ahead):
            for _, prepared in ahead:
                yield prepared

    def _start(self, rows: Sequence[Mapping[str, Any]], chunk: range) -> Future[list[Prepared]]:
        fetched = self._fetch_thread.submit(self._fetch, rows, chunk)
        encoded = self._encode_thread.submit(self._encode, chunk, fetched)
        encoded.add_done_callback(partial(self._drop_texts, fetched))
        return encoded

    def _drop_texts(self, fetched: Future[list[Note]], encoded: Future[list[Prepared]]) -> None:
        """Texts that nobody encodes any more are off the budget once they are there."""
        if encoded.cancelled():
            fetched.cancel()
            fetched.add_done_callback(partial(take_off, self._budget, _size))

    def _fetch(self, rows: Sequence[Mapping[str, Any]], chunk: range) -> list[Note]:
        began = time.thread_time()
        with at_rows(chunk.start, chunk.stop - 1):
            notes = self._fetcher.fetch(rows[chunk.start : chunk.stop])
        self._budget.add(_size(notes))
        self._spent(time.thread_time() - began)
        return notes

    def _encode(self, chunk: range, fetched: Future[list[Note]]) -> list[Prepared]:
        notes = fetched.result()
        try:
            with self._encoding:
                self._open_encoders()
                began = time.thread_time()
                encoded = self._by_model([note.text for note in notes if note.status is None])
        finally:
            self._budget.add(-_size(notes))
        by_note = zip(*encoded, strict=True) if encoded else iter(())
        prepared = [
            self._prepared(row, note, next(by_note, ()) if note.status is None else ())
            for row, note in zip(chunk, notes, strict=True)
        ]
        self._budget.add(nbytes_of(prepared))
        self._spent(time.thread_time() - began + self._helped())
        return prepared

    def _open_encoders(self) -> None:
        """Those that are not open yet: where storage fails, the next shard tries the rest."""
        for preparation in self._preparations[len(self._encoders) :]:
            self._encoders.append(preparation.open())

    def _by_model(self, texts: list[str]) -> list[list[Encoded]]:
        """For each model what its encoder makes of each text; equal cleaning is done once."""
        cleaned: dict[Cleaning, list[str]] = {}
        found = []
        for preparation, encoder in zip(self._preparations, self._encoders, strict=True):
            steps = preparation.cleaning
            if steps not in cleaned:
                cleaned[steps] = [clean(steps, text) for text in texts]
            found.append(_encoded(encoder, cleaned[steps]))
        return found

    def _prepared(self, row: int, note: Note, inputs: Sequence[Encoded]) -> Prepared:
        columns: dict[str, Any] = {NOTE_TIME: note.time, NOTE_TYPE: note.type}
        nbytes = sum(item.nbytes for item in inputs)
        if self._keep_text:
            columns[TEXT] = note.text if note.status is None else None
            nbytes += sys.getsizeof(note.text)
        return Prepared(row, inputs, note.status, note.detail, columns, nbytes)

    def _spent(self, seconds: float) -> None:
        with self._clock:
            self.prepare_seconds += seconds

    def _helped(self) -> float:
        """Processor seconds of the encoders' own threads and children since this was last asked."""
        total = sum(encoder.helper_seconds for encoder in self._encoders if isinstance(encoder, HasHelpers))
        before, self._helper_seconds = self._helper_seconds, total
        return total - before

    def close(self) -> None:
        """Stop reading ahead, and the encoders once the chunk at hand is done."""
        self._fetch_thread.shutdown(wait=False, cancel_futures=True)
        self._encode_thread.shutdown(wait=False, cancel_futures=True)
        done = self._encoding.acquire(timeout=_GOODBYE_S)
        try:
            for encoder in self._encoders:
                encoder.close()
        finally:
            if done:
                self._encoding.release()


def _encoded(encoder: TextEncoder, texts: list[str]) -> list[Encoded]:
    kept = [text for text in texts if text and not text.isspace()]
    found = iter(encoder.encode(kept) if kept else ())
    return [next(found) if text and not text.isspace() else _NOTHING_LEFT for text in texts]


def _chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[range]:
    """Neighbours in small numbers and few bytes; sizes are known of text files only."""
    start = size = 0
    for index, row in enumerate(rows):
        this = row["size"] or 0
        if index > start and (index - start >= CHUNK_NOTES or size + this > CHUNK_BYTES):
            yield range(start, index)
            start, size = index, 0
        size += this
    if rows:
        yield range(start, len(rows))


def _size(notes: Sequence[Note]) -> int:
    return sum(sys.getsizeof(note.text) for note in notes)
