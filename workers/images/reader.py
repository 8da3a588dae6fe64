"""The reading side of collection `images`: fetch, decode, prepare, in plan order and bounded in bytes."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, Protocol

import pyarrow as pa

from schemas.status import Status
from workers.children.contract import DecodePool, Request, Result
from workers.images.fetching import Fetched, Fetcher, Wanted, rows_of
from workers.images.prepare.plan import Ready
from workers.images.shared_objects import SharedObject
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.read_ahead import read_ahead
from workers.pipeline.reading import Prepared, nbytes_of

CHUNK_RECORDS = 16
CHUNK_BYTES = 32 * 2**20
_FIRST = 4
"""Objects read at a time while nothing is known of their size."""


class PoolOf(Protocol):
    """Picks where an object is decoded, by its first bytes."""

    def __call__(self, data: bytes | memoryview) -> DecodePool:
        """The pool for this object."""

    def close(self) -> None:
        """Stop the pools."""


class Group(list[int]):
    """Rows of a shard that read the same object: the frames of a file, else a single row.

    `shared` is that object where other chunks read frames of it too.
    """

    def __init__(self, rows: Sequence[int], shared: SharedObject | None = None) -> None:
        super().__init__(rows)
        self.shared = shared


class ImageReader:
    """Implements `workers.pipeline.reading.Reader`.

    `lists` is the number of distinct prepare lists. `by_frame`: the plan's `member` is a frame of the object,
    not a row of a Parquet file.
    """

    def __init__(
        self, fetcher: Fetcher, pool_of: PoolOf, budget: ByteBudget, lists: int, by_frame: bool, depth: int
    ) -> None:
        self.prepare_seconds = 0.0
        self._fetcher = fetcher
        self._pool_of = pool_of
        self._budget = budget
        self._lists = lists
        self._by_frame = by_frame
        self._depth = depth
        self._largest = CHUNK_BYTES // _FIRST
        self._threads = ThreadPoolExecutor(depth, thread_name_prefix="read")

    def read(self, records: pa.Table) -> Generator[list[Prepared], None, None]:
        """Every record once, in order, a chunk at a time."""
        rows = rows_of(records)

        def submit(chunk: Sequence[Group]) -> Future[list[Prepared]]:
            return self._threads.submit(self._read_chunk, rows, chunk)

        shared: list[SharedObject] = []

        def share() -> SharedObject:
            shared.append(SharedObject(self._budget))
            return shared[-1]

        ahead = read_ahead(_chunks(rows, self._by_frame, share), submit, self._depth, self._budget, nbytes_of)
        try:
            with closing(ahead):
                for _, prepared in ahead:
                    yield prepared
        finally:
            for one in shared:
                one.close()

    def _read_chunk(self, rows: Sequence[Mapping[str, Any]], chunk: Sequence[Group]) -> list[Prepared]:
        prepared: list[Prepared] = []
        try:
            for portion in self._portions(rows, chunk):
                prepared += self._read_portion(rows, portion)
        except BaseException:
            # What was prepared before the failure is handed to nobody.
            self._budget.add(-nbytes_of(prepared))
            raise
        return prepared

    def _portions(self, rows: Sequence[Mapping[str, Any]], chunk: Sequence[Group]) -> Iterator[Sequence[Group]]:
        """Where the plan knows no sizes, as many objects at a time as are few bytes if they are like those before."""
        if all(rows[group[0]]["size"] is not None for group in chunk):
            yield chunk
            return
        start = 0
        while start < len(chunk):
            end = start + max(1, CHUNK_BYTES // max(1, self._largest))
            yield chunk[start:end]
            start = end

    def _read_portion(self, rows: Sequence[Mapping[str, Any]], portion: Sequence[Group]) -> list[Prepared]:
        raw = 0
        try:
            fetched = self._fetch(rows, portion)
            # A guess at what comes next: neighbours in an archive are much alike.
            self._largest = max(len(item.data) for item in fetched)
            raw = sum(len(item.data) for group, item in zip(portion, fetched, strict=True) if group.shared is None)
            self._budget.add(raw)
            results = self._decode(rows, portion, fetched)
            prepared = [
                record
                for group, item, result in zip(portion, fetched, results, strict=True)
                for record in self._prepared(rows, group, item, result)
            ]
            self._budget.add(nbytes_of(prepared))
            return prepared
        finally:
            self._budget.add(-raw)
            for group in portion:
                if group.shared is not None:
                    group.shared.done()

    def _fetch(self, rows: Sequence[Mapping[str, Any]], portion: Sequence[Group]) -> list[Fetched]:
        own = [group for group in portion if group.shared is None]
        fetched = iter(self._fetcher.fetch([self._wanted(rows, group[0]) for group in own]) if own else ())
        return [
            next(fetched)
            if group.shared is None
            else group.shared.fetched(partial(self._alone, rows, group[0]), self._pool_of)
            for group in portion
        ]

    def _alone(self, rows: Sequence[Mapping[str, Any]], place: int) -> Fetched:
        return self._fetcher.fetch([self._wanted(rows, place)])[0]

    def _wanted(self, rows: Sequence[Mapping[str, Any]], place: int) -> Wanted:
        row = rows[place]
        return Wanted(row["uri"], None if self._by_frame else row["member"], row["etag"], place)

    def _decode(
        self, rows: Sequence[Mapping[str, Any]], chunk: Sequence[Group], fetched: Sequence[Fetched]
    ) -> list[Result | None]:
        """One result a group, None where there were no bytes. Objects of one chunk may need different pools."""
        waiting: dict[int, tuple[DecodePool, list[int], list[Request]]] = {}
        results: list[Result | None] = [None] * len(chunk)
        for place, (group, item) in enumerate(zip(chunk, fetched, strict=True)):
            if item.status is None:
                pool = self._pool_of(item.data)
                entry = waiting.setdefault(id(pool), (pool, [], []))
                entry[1].append(place)
                entry[2].append(self._request(rows, group, item.data))
        futures = [(places, pool.submit(requests)) for pool, places, requests in waiting.values()]
        for places, future in futures:
            for place, result in zip(places, future.result(), strict=True):
                results[place] = result
                self.prepare_seconds += result.seconds
        return results

    def _request(self, rows: Sequence[Mapping[str, Any]], group: Group, data: bytes | memoryview) -> Request:
        members = [rows[row]["member"] if self._by_frame else None for row in group]
        record_id = rows[group[0]]["record_id"]
        if group.shared is None:
            return Request(data, {"members": members}, record_id)
        return Request(group.shared.bytes, {"members": members, "object": group.shared.name}, record_id)

    def _prepared(
        self, rows: Sequence[Mapping[str, Any]], group: Group, item: Fetched, result: Result | None
    ) -> list[Prepared]:
        if result is None:
            return [Prepared(row, status=item.status, detail=item.detail) for row in group]
        if result.status is not None and len(group) > 1:
            # The status is that of the whole object, and one frame may be to blame for it.
            return self._one_by_one(rows, group, item)
        if result.status is not None:
            return [Prepared(group[0], status=Status(result.status), detail=result.detail)]
        arrays = iter(result.arrays)
        members = zip(group, result.meta["members"], strict=True)
        return [self._member(row, member, arrays) for row, member in members]

    def _one_by_one(self, rows: Sequence[Mapping[str, Any]], group: Group, item: Fetched) -> list[Prepared]:
        """Several frames of one object were decoded together and one of them killed it: find out which."""
        prepared: list[Prepared] = []
        for row in group:
            alone = Group([row], group.shared)
            (result,) = self._decode(rows, [alone], [item])
            prepared += self._prepared(rows, alone, item, result)
        return prepared

    def _member(self, row: int, member: Mapping[str, Any], arrays: Iterator[Any]) -> Prepared:
        if "status" in member:
            return Prepared(row, status=Status(member["status"]), detail=member["detail"], columns=member["header"])
        ranges = iter(member["ranges"])
        inputs = [
            [Ready(next(arrays), tuple(next(ranges))) for _ in range(member["frames"])] for _ in range(self._lists)
        ]
        nbytes = sum(ready.pixels.nbytes for frames in inputs for ready in frames)
        return Prepared(row, inputs, columns=member["header"], nbytes=nbytes)

    def close(self) -> None:
        """Stop reading ahead, and what reads and decodes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool_of.close()
        self._fetcher.close()


def _chunks(
    rows: Sequence[Mapping[str, Any]], by_frame: bool, share: Callable[[], SharedObject]
) -> Iterator[list[Group]]:
    """Neighbours of one object in one group, groups in chunks that are small in records and bytes.

    An object that goes on in the next chunk is shared between the groups that read it.
    """
    chunk: list[Group] = []
    records = size = 0
    for index, row in enumerate(rows):
        same = by_frame and chunk and rows[chunk[-1][-1]]["uri"] == row["uri"]
        if same and records < CHUNK_RECORDS:
            chunk[-1].append(index)
        else:
            shared = _shared_with(chunk[-1], share) if same else None
            if chunk and (records >= CHUNK_RECORDS or size + (row["size"] or 0) > CHUNK_BYTES):
                yield chunk
                chunk, records, size = [], 0, 0
            chunk.append(Group([index], shared))
            size += row["size"] or 0
        records += 1
    if chunk:
        yield chunk


def _shared_with(group: Group, share: Callable[[], SharedObject]) -> SharedObject:
    """The object of this group, which the next group reads as well."""
    if group.shared is None:
        group.shared = share()
        group.shared.expect()
    group.shared.expect()
    return group.shared
