"""Side objects of single records (masks, heat maps, copies): written while their shard is being scored.

A key is `objects/<column>/<shard>/<record>-<content>.<suffix>` in the directory of the stage. `<record>` is a hash of
fingerprint and record id, so that no name tells of a record and every name proves whose it is. `<content>` begins the
sha256 of the body: workers whose bodies differ in rounding write two objects, and the rows that are committed refer to
the one that was made with them. The other is a leftover, which `wardround gc` knows by its name.
"""

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from cluster.storage import sha256_of
from schemas.outputs import OutputField
from workers.finished_runs.side import SideObjectRef, uris_in
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.byte_budget import ByteBudget
from workers.pipeline.columns import BodySink
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import SideObject
from workers.pipeline.publish import publish_side
from workers.pipeline.rowtable import ShardRows

_AT_A_TIME = 8
_WAITING_BYTES = 64 * 2**20
"""Bodies that wait for storage; the device waits while there are more."""

_NAME = re.compile(r"^objects/[A-Za-z0-9_]+/(?P<shard>\d{6,})/(?P<record>[0-9a-f]{32})-[0-9a-f]{16}\.[a-z0-9.]+$")


class ObjectWriter:
    """Writes the side objects of a worker's records in threads of its own, which start with the first."""

    def __init__(self, context: StageContext) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="side")
        self._waiting = ByteBudget(_WAITING_BYTES)

    def write(self, item: SideObject) -> Future[SideObjectRef]:
        """Queue one; waits while too many bytes wait for storage."""
        self._waiting.wait_below()
        size = len(item.body)
        self._waiting.add(size)
        written = self._pool.submit(publish_side, self._context, item)
        written.add_done_callback(lambda _: self._waiting.add(-size))
        return written

    def close(self) -> None:
        """Drop what waits; what is being written is finished."""
        self._waiting.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


class RecordObjects:
    """The side objects of one shard's records, or of a sample's, of which nothing is written."""

    def __init__(self, context: StageContext, shard: int, rows: ShardRows, writer: ObjectWriter | None) -> None:
        self._context = context
        self._shard = shard
        self._ids = rows.records["record_id"]
        self._writer = writer
        self._written: dict[str, Future[SideObjectRef]] = {}
        for model, columns in rows.models.items():
            own = {column.output: column.name for column in context.layout.columns if column.model == model}
            columns.sink = self._sink(own)

    def _sink(self, names: Mapping[str, str]) -> BodySink:
        def put(field: OutputField, row: int, body: bytes) -> str:
            return self._put(names[field.name], field.object_suffix or "bin", row, body)

        return put

    def _put(self, column: str, suffix: str, row: int, body: bytes) -> str:
        run = self._context.run
        record = record_hash(run.fingerprint, self._ids[row].as_py())
        name = f"objects/{column}/{self._shard:06d}/{record}-{sha256_of(body)[:16]}.{suffix}"
        key = self._context.stage_dir + name
        if self._writer is not None and key not in self._written:
            self._written[key] = self._writer.write(SideObject(key, body))
        return key

    def refs(self, table: pa.Table) -> list[SideObjectRef]:
        """Those that the finished rows refer to, once all are written. Raises what writing one raised."""
        written = {key: future.result() for key, future in self._written.items()}
        if self._writer is None:
            return []
        return [written[uri] for uri in uris_in(table, self._context.layout.columns)]


def record_hash(fingerprint: str, record_id: str) -> str:
    """What stands for a record in the names of its side objects."""
    return hashlib.sha256(f"{fingerprint}\n{record_id}".encode()).hexdigest()[:32]


class RecordNames:
    """Tells whether a key is the name of a side object of one of a stage's planned records."""

    def __init__(self, stage: FinishedStage) -> None:
        self._stage = stage
        self._plan = stage.plan()
        self._last: tuple[int, frozenset[str]] = (-1, frozenset())

    def has(self, key: str) -> bool:
        """`key` is relative to the run directory. Cheap for neighbours in the order of keys."""
        match = _NAME.match(key.removeprefix(self._stage.directory)) if key.startswith(self._stage.directory) else None
        return match is not None and match["record"] in self._hashes(int(match["shard"]))

    def _hashes(self, shard: int) -> frozenset[str]:
        if shard >= self._stage.run.plan.shards:
            return frozenset()
        if shard != self._last[0]:
            ids = self._plan.record_ids(shard).to_pylist()
            self._last = shard, frozenset(record_hash(self._stage.run.fingerprint, name) for name in ids)
        return self._last[1]
