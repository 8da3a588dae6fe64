"""The reading side of collection `sequences`: fetch, cut each model's window, encode, ahead of the device."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from schemas.status import Fault
from workers.contract import Encoded
from workers.genomics.sequences.contract import SequenceEncoder
from workers.genomics.sequences.regions import Cache, Region, View, window_of
from workers.genomics.sequences.windows import VariantWindow
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead
from workers.pipeline.reading import Prepared, at_rows, nbytes_of

CHUNK = 256
"""Records that are fetched and encoded at a time."""
_DEPTH = 4


class Fetcher(Protocol):
    """Where regions come from."""

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        """One a planned row, in order. Raises InfrastructureError where storage keeps failing."""

    def close(self) -> None:
        """Let go of open files."""


@dataclass(frozen=True)
class ModelView:
    """One model's way from a region to what its scorer takes. `open` is called once, by who encodes."""

    view: View
    open: Callable[[], SequenceEncoder]


class SequenceReader:
    """Implements `workers.pipeline.reading.Reader`.

    `inputs[m]` of a record is what the m-th model's encoder made of it.
    """

    def __init__(
        self, fetcher: Fetcher, columns: Sequence[str], models: Sequence[ModelView], budget: ByteBudget
    ) -> None:
        self.prepare_seconds = 0.0
        self._fetcher = fetcher
        self._columns = list(columns)
        self._models = models
        self._budget = budget
        self._encoders: list[SequenceEncoder] = []
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sequences")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, a chunk at a time."""

        def submit(start: int) -> Future[list[Prepared]]:
            rows = records.slice(start, CHUNK).select(self._columns).to_pylist()
            return self._thread.submit(self._chunk, start, rows)

        ahead = read_ahead(range(0, records.num_rows, CHUNK), submit, _DEPTH, self._budget, nbytes_of)
        with closing(ahead):
            for _, prepared in ahead:
                yield prepared

    def _chunk(self, start: int, rows: Sequence[Mapping[str, Any]]) -> list[Prepared]:
        if self._closed:
            raise CancelledError
        began = time.thread_time()
        for model in self._models[len(self._encoders) :]:
            self._encoders.append(model.open())
        with at_rows(start, start + len(rows) - 1):
            regions = self._fetcher.fetch(rows)
        good = [region for region in regions if isinstance(region, Region)]
        by_model = [
            _encode(model.view, encoder, good) for model, encoder in zip(self._models, self._encoders, strict=True)
        ]
        by_record = zip(*by_model, strict=True) if by_model else iter(())
        prepared = [
            _prepared(start + i, region, next(by_record, ()) if isinstance(region, Region) else ())
            for i, region in enumerate(regions)
        ]
        self._budget.add(nbytes_of(prepared))
        self.prepare_seconds += time.thread_time() - began
        return prepared

    def close(self) -> None:
        """Stop reading ahead. The thread that reads files lets go of them, once it is done with its chunk."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._fetcher.close)
            self._thread.shutdown(wait=False)


def _prepared(row: int, region: Region | Fault, inputs: Sequence[Encoded]) -> Prepared:
    if isinstance(region, Region):
        return Prepared(row, inputs, nbytes=sum(item.nbytes for item in inputs))
    return Prepared(row, status=region[0], detail=region[1])


def _encode(view: View, encoder: SequenceEncoder, regions: Sequence[Region]) -> list[Encoded]:
    cache: Cache = {}
    windows = [window_of(region, view, cache) for region in regions]
    good = [window for window in windows if isinstance(window, VariantWindow)]
    encoded = iter(encoder.encode(good) if good else ())
    return [next(encoded) if isinstance(window, VariantWindow) else Encoded(None, fault=window) for window in windows]
