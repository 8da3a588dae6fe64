"""The reading side of `predict` over volumes: whole volumes, each prepared once by every distinct list of steps."""

import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.images.volumes.decoded import VolumeSource
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.planning.columns import (
    DECODED_BYTES,
    FORMAT,
    SLICES,
    VOLUME_DETAIL,
    VOLUME_STATUS,
)
from workers.images.volumes.prepare.base import VolumeStep
from workers.images.volumes.prepare.plan import prepared
from workers.images.volumes.volume import Volume
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead
from workers.pipeline.reading import Prepared, nbytes_of

_COLUMNS = [
    *("record_id", "shape", "affine"),
    *(field.name for field in (FORMAT, SLICES, DECODED_BYTES, VOLUME_STATUS, VOLUME_DETAIL)),
]
_PREPARED_BYTES = 4
"""A prepared voxel takes so much at most; how many there are, only the steps know."""
Numbered = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """The distinct lists of steps, the device of torch that they may compute on, and the voxels of a volume at most."""

    lists: Sequence[Sequence[VolumeStep]]
    device: str
    max_voxels: int


class VolumeReader:
    """Implements `workers.pipeline.reading.Reader`: the input of each record is one `VolumeInputs`.

    What a volume will take is told from its header and charged before it is fetched, so that as many are in hand as
    the budget has room for, and one at least.
    """

    def __init__(self, source: VolumeSource, budget: ByteBudget, asked: Asked, depth: int) -> None:
        self.prepare_seconds = 0.0
        self._source, self._budget = source, budget
        self._asked, self._depth = asked, depth
        self._threads = ThreadPoolExecutor(depth, thread_name_prefix="volumes")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, one at a time."""
        numbered = enumerate(records.select(_COLUMNS).to_pylist())
        with closing(read_ahead(numbered, self._submit, self._depth, self._budget, nbytes_of)) as ahead:
            for _, part in ahead:
                yield part

    def _submit(self, numbered: Numbered) -> Future[list[Prepared]]:
        expected = self._expected(numbered[1])
        self._budget.add(expected)
        future = self._threads.submit(self._one, numbered)
        future.add_done_callback(lambda done: self._settle(done, expected))
        return future

    def _settle(self, done: Future[list[Prepared]], expected: int) -> None:
        """What it really takes instead of what was expected."""
        lost = done.cancelled() or done.exception() is not None
        self._budget.add((0 if lost else nbytes_of(done.result())) - expected)

    def _expected(self, row: Mapping[str, Any]) -> int:
        if row[VOLUME_STATUS.name] is not None:
            return 0
        voxels: int = prod(row["shape"])
        return int(row[DECODED_BYTES.name]) + voxels * _PREPARED_BYTES * len(self._asked.lists)

    def _one(self, numbered: Numbered) -> list[Prepared]:
        place, row = numbered
        try:
            return [self._read(place, row)]
        except RecordError as error:
            return [Prepared(place, status=Status(error.status), detail=error.detail)]

    def _read(self, place: int, row: Mapping[str, Any]) -> Prepared:
        if row[VOLUME_STATUS.name] is not None:
            raise RecordError(Status(row[VOLUME_STATUS.name]), row[VOLUME_DETAIL.name] or "")
        if prod(row["shape"]) > self._asked.max_voxels:
            raise RecordError(Status.TOO_LARGE, f"more than {self._asked.max_voxels} voxels (input.max_pixels)")
        read = self._source.volume(row, place)
        began = time.thread_time()
        ready = tuple(self._prepared(steps, read.volume) for steps in self._asked.lists)
        inputs = VolumeInputs(read.volume, ready, read.source, read.space)
        self.prepare_seconds += read.seconds + time.thread_time() - began
        return Prepared(place, [inputs], detail=row[VOLUME_DETAIL.name] or "", nbytes=inputs.nbytes)

    def _prepared(self, steps: Sequence[VolumeStep], volume: Volume) -> Volume | Fault:
        try:
            return prepared(steps, volume, self._asked.device)
        except RecordError as error:
            return Fault(Status(error.status), error.detail)

    def close(self) -> None:
        """Stop reading ahead."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._source.close()
