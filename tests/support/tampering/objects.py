"""What may be changed in rows, stages and side objects, and what may be put beside them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.tampering.copies import RUN, Copy, need
from workers.pipeline import seal


def _shard_off_the_manifest(copy: Copy) -> None:
    copy.drop(copy.shards()[-1])


def _shard_off_the_disk(copy: Copy) -> None:
    (copy.root / copy.shards()[-1]).unlink()


def _shard_off_both(copy: Copy) -> None:
    key = copy.shards()[-1]
    (copy.root / key).unlink()
    copy.drop(key)


def _swap(copy: Copy, one: str, other: str) -> None:
    first, second = copy.root / one, copy.root / other
    first_body = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(first_body)


def _shards_swapped(copy: Copy) -> None:
    shards = copy.shards()
    need(shards[1:])
    _swap(copy, shards[0], shards[-1])


def _shards_swapped_and_named_so(copy: Copy) -> None:
    _shards_swapped(copy)
    copy.agree(*copy.shards())


def _shard_flipped(copy: Copy) -> None:
    copy.flip(copy.shards()[0])


def _shard_emptied(copy: Copy) -> None:
    (copy.root / copy.shards()[0]).write_bytes(b"")


def _shard_cut(copy: Copy) -> None:
    path = copy.root / copy.shards()[0]
    path.write_bytes(path.read_bytes()[:-40])


def _rewritten(copy: Copy, change: Callable[[pa.Table], pa.Table], key: str = "", again: bool = True) -> None:
    """A shard written anew, sealed and named by the manifest."""
    key = key or copy.shards()[0]
    table = pq.read_table(copy.root / key)
    entries = {name: value for name, value in table.schema.metadata.items() if name != seal.KEY.encode()}
    sink = io.BytesIO()
    changed = change(table).replace_schema_metadata(entries)
    with pq.ParquetWriter(sink, changed.schema, compression="snappy") as writer:
        writer.write_table(changed)
        writer.add_key_value_metadata({seal.KEY: seal.BLANK})
    (copy.root / key).write_bytes(seal.sealed(sink))
    if again:
        copy.agree(key)


def _set(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(
        at, table.schema.field(name), pa.array(values, pa.string()).cast(table.schema.field(name).type)
    )


def _rows_turned(copy: Copy) -> None:
    key = next(key for key in need(copy.shards()) if pq.read_metadata(copy.root / key).num_rows > 1)
    _rewritten(copy, lambda table: table.take(list(range(table.num_rows))[::-1]), key)


def _row_missing(copy: Copy) -> None:
    _rewritten(copy, lambda table: table.slice(1))


def _row_doubled(copy: Copy) -> None:
    _rewritten(copy, lambda table: pa.concat_tables([table, table.slice(0, 1)]))


def _row_renamed(copy: Copy) -> None:
    _rewritten(copy, lambda table: _set(table, "record_id", ["x", *table["record_id"].to_pylist()[1:]]))


def _status_changed(copy: Copy) -> None:
    _rewritten(copy, lambda table: _set(table, "status", ["timed_out"] * table.num_rows))


def _column_added(copy: Copy) -> None:
    _rewritten(copy, lambda table: table.append_column("more", pa.nulls(table.num_rows, pa.int64())))


def _rows_only_rewritten(copy: Copy) -> None:
    """The same rows, sealed, and the manifest as it was."""
    _rewritten(copy, lambda table: table.slice(0).combine_chunks(), again=False)


def _stage_off_the_disk(copy: Copy) -> None:
    shutil.rmtree(copy.root / copy.stages()[0])


def _stage_off_both(copy: Copy) -> None:
    directory = copy.stages()[0]
    shutil.rmtree(copy.root / directory)
    copy.drop(directory)


def _stage_off_the_manifest(copy: Copy) -> None:
    copy.drop(copy.stages()[0])


def _stage_added(copy: Copy) -> None:
    """The files of the last stage once more, as a stage that nothing names."""
    for key in (RUN, copy.read(RUN)["plan"]["key"]):
        (copy.root / "stages/more").mkdir(parents=True, exist_ok=True)
        shutil.copy(copy.root / key, copy.root / "stages/more" / key)


def _side_off_the_disk(copy: Copy) -> None:
    (copy.root / copy.beside()[0]).unlink()


def _side_off_both(copy: Copy) -> None:
    key = copy.beside()[-1]
    (copy.root / key).unlink()
    copy.drop(key)


def _side_off_the_manifest(copy: Copy) -> None:
    copy.drop(copy.beside()[0])


def _side_flipped(copy: Copy) -> None:
    copy.flip(copy.beside()[0])


def _side_replaced(copy: Copy) -> None:
    key = copy.beside()[0]
    copy.flip(key)
    copy.agree(key)


def _sides_swapped(copy: Copy) -> None:
    sides = copy.beside()
    bodies = {(copy.root / key).read_bytes(): key for key in sides}
    need(list(bodies.values())[1:])
    one, other, *_ = bodies.values()
    _swap(copy, one, other)
    copy.agree(one, other)


def _part_added(copy: Copy) -> None:
    """A copy of a part of the dataset beside it, under a name of its own; not in the run directory itself."""
    key = need([key for key in copy.beside() if "/" in key])[-1]
    path = copy.root / key
    shutil.copy(path, path.with_name(f"zzz-{path.name}"))


def _alien_added(copy: Copy) -> None:
    path = copy.root / copy.beside()[0]
    pq.write_table(pa.table({"subject_id": [1]}), path.with_name("alien.parquet"))


def _alien_among_the_stages(copy: Copy) -> None:
    (copy.root / copy.stages()[0] / "alien.bin").write_bytes(b"alien")


def _alien_among_the_rows(copy: Copy) -> None:
    (copy.root / copy.shards()[0]).with_name("note.txt").write_text("alien")


def _further_shard(copy: Copy) -> None:
    path = copy.root / copy.shards()[0]
    shutil.copy(path, path.with_name("shard-000999.parquet"))


OBJECTS: dict[str, Callable[[Copy], None]] = {
    "a shard off the manifest": _shard_off_the_manifest,
    "a shard off the disk": _shard_off_the_disk,
    "a shard off both": _shard_off_both,
    "two shards swapped": _shards_swapped,
    "two shards swapped and named so": _shards_swapped_and_named_so,
    "a bit of a shard": _shard_flipped,
    "a shard that is empty": _shard_emptied,
    "a shard cut short": _shard_cut,
    "rows in another order": _rows_turned,
    "a row missing": _row_missing,
    "a row doubled": _row_doubled,
    "a row of another record": _row_renamed,
    "a status of a row": _status_changed,
    "a column more": _column_added,
    "a shard written anew": _rows_only_rewritten,
    "a stage off the disk": _stage_off_the_disk,
    "a stage off the manifest": _stage_off_the_manifest,
    "a stage off both": _stage_off_both,
    "a stage more": _stage_added,
    "a side object off the disk": _side_off_the_disk,
    "a side object off the manifest": _side_off_the_manifest,
    "a side object off both": _side_off_both,
    "a bit of a side object": _side_flipped,
    "a side object replaced": _side_replaced,
    "two side objects swapped": _sides_swapped,
    "a part of the dataset once more": _part_added,
    "an alien beside the dataset": _alien_added,
    "an alien among the stages": _alien_among_the_stages,
    "an alien among the rows": _alien_among_the_rows,
    "a shard that the plan does not have": _further_shard,
}
