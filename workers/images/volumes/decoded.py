"""Fetch and decode the objects of a planned volume: some at a time, the next on the way while these are decoded."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.errors import RecordError
from schemas.status import Status
from workers.children.contract import DecodePool, Request, Result
from workers.images import fetching
from workers.images.fetching import Fetched, Fetcher
from workers.images.reader import PoolOf
from workers.images.settings import VOLUME_FORMATS
from workers.images.volumes.assembly import Assembly
from workers.images.volumes.objects import Wanted, in_parts, objects_of
from workers.images.volumes.origin import Header, source_of
from workers.images.volumes.outputs.marked import DicomSource
from workers.images.volumes.planning.columns import FORMAT, SLICES
from workers.images.volumes.volume import SCANNER, Grid, Space, Volume

Row = Mapping[str, Any]
Decoded = tuple[list[int], Result]


@dataclass(frozen=True)
class ReadVolume:
    """A volume as it is stored, processor seconds of decoding it, and what masks of it share with where it is from."""

    volume: Volume
    seconds: float
    source: DicomSource | None = None
    space: Space = SCANNER


class VolumeSource:
    """Reads planned volumes, each in the thread that asks for it. Safe for several threads."""

    def __init__(self, fetcher: Fetcher, pool_of: PoolOf, at_once: int) -> None:
        self._fetcher = fetcher
        self._pool_of = pool_of
        self._ahead = ThreadPoolExecutor(at_once, thread_name_prefix="slices")

    def volume(self, row: Row, place: int) -> ReadVolume:
        """The volume of row `place` of a shard. Raises RecordError, InfrastructureError."""
        grid = Grid(tuple(row["shape"]), np.reshape(row["affine"], (4, 4)))
        objects = objects_of(row)
        if row[FORMAT.name] in VOLUME_FORMATS:
            return self._file(row, objects, grid, place)
        assembly, headers, seconds = Assembly(grid.shape), {}, 0.0
        for indices, result in self._decoded(row["record_id"], objects, place):
            seconds += result.seconds
            if result.status is not None:
                raise RecordError(Status(result.status), _named(result.detail, indices, grid.shape[2]))
            for index, pixels in zip(indices, result.arrays, strict=True):
                assembly.put(index, pixels)
                headers[index] = result.meta["header"]
        return ReadVolume(Volume(assembly.voxels, grid), seconds, _source(row, headers))

    def _file(self, row: Row, objects: Sequence[Wanted], grid: Grid, place: int) -> ReadVolume:
        ((_, result),) = self._decoded(row["record_id"], objects, place)
        if result.status is not None:
            raise RecordError(Status(result.status), result.detail)
        if tuple(result.meta["shape"]) != grid.shape or not np.allclose(result.meta["affine"], row["affine"]):
            raise RecordError(Status.INPUT_CHANGED, "its header is not the one that was planned")
        return ReadVolume(Volume(result.arrays[0][None], grid), result.seconds, space=Space(*result.meta["space"]))

    def _decoded(self, record_id: str, objects: Sequence[Wanted], place: int) -> Iterator[Decoded]:
        parts = list(in_parts(objects))
        fetched = self._fetch(parts[0], place)
        waiting: list[tuple[list[int], Future[list[Result]]]] = []
        for number, part in enumerate(parts):
            bodies, following = fetched.result(), parts[number + 1 :]
            if following:
                fetched = self._fetch(following[0], place)
            # What was decoded before goes before more is asked for: no more than two parts are in memory.
            yield from self._finished(waiting)
            waiting = [one for pair in zip(part, bodies, strict=True) for one in self._submit(record_id, *pair)]
        yield from self._finished(waiting)

    def _fetch(self, part: Sequence[Wanted], place: int) -> Future[list[Fetched]]:
        wanted = [fetching.Wanted(one.uri, None, one.etag, place) for one in part]
        return self._ahead.submit(self._fetcher.fetch, wanted)

    def _submit(
        self, record_id: str, wanted: Wanted, body: Fetched
    ) -> Iterator[tuple[list[int], Future[list[Result]]]]:
        if body.status is not None:
            raise RecordError(body.status, _named(body.detail, wanted.indices, None))
        pool: DecodePool = self._pool_of(body.data)
        contexts = list(wanted.contexts())
        data = pool.share(body.data) if len(contexts) > 1 else body.data
        for indices, context in contexts:
            yield indices, pool.submit([Request(data, context, record_id)])

    def _finished(self, waiting: Sequence[tuple[list[int], Future[list[Result]]]]) -> Iterator[Decoded]:
        for indices, future in waiting:
            (result,) = future.result()
            yield indices, result

    def close(self) -> None:
        """Stop fetching and decoding."""
        self._ahead.shutdown(wait=False, cancel_futures=True)
        self._pool_of.close()
        self._fetcher.close()


def _named(detail: str, indices: Sequence[int], depth: int | None) -> str:
    """Which slices, by their numbers along k."""
    which = f"slice {indices[0]}" if len(indices) == 1 else f"slices {indices[0]} to {indices[-1]}"
    of = f" of {depth}" if depth else ""
    return f"{which}{of}, counted from 0: {detail}"


def _source(row: Row, headers: Mapping[int, Header]) -> DicomSource | None:
    slices = row[SLICES.name]
    if any(one["corner"] is not None for one in slices):
        # A tile of a mosaic is no frame that could be referred to.
        return None
    return source_of([headers[one["index"]] for one in slices], [one["frame"] for one in slices])
