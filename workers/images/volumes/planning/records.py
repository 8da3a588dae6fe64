"""The plan of `predict` over volumes: one record a volume, and one for every object that is in none.

Largest first: the last shards are then the smallest, so that no worker is left alone with a large one at the end.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.plan import plan_schema
from schemas.status import Status
from workers.finished_runs.stage import FinishedStage
from workers.images.series.facts import SeriesVolume
from workers.images.volumes.planning.columns import (
    DECODED_BYTES,
    FORMAT,
    SLICES,
    VOLUME_DETAIL,
    VOLUME_STATUS,
    as_carried,
    geometry_fields,
)
from workers.images.volumes.planning.studies import of_studies
from workers.images.volumes.planning.texts import volume_of
from workers.reading.reordered import reordered

_ROWS = 1024
Row = Mapping[str, Any]


def records_schema(carried: Sequence[pa.Field]) -> pa.Schema:
    """`carried` are those of `workers.images.volumes.planning.objects.objects_schema`."""
    own = [FORMAT, SLICES, DECODED_BYTES, VOLUME_STATUS, VOLUME_DETAIL]
    return plan_schema([*own, *carried, *geometry_fields()])


def record_batches(volumes: FinishedStage, carried: Sequence[pa.Field], *, by_study: bool) -> Iterator[pa.RecordBatch]:
    """The records of what stage `volumes` committed; `by_study`: of the volumes of a study the one that was selected.

    A shard of that stage is held, and eight bytes a record.
    """
    sizes = [
        np.array([row[DECODED_BYTES.name] for row in _records(volumes, shard, carried, by_study)], np.int64)
        for shard in range(volumes.run.plan.shards)
    ]
    order = np.argsort(-np.concatenate(sizes), kind="stable")
    schema = records_schema(carried)
    yield from reordered(_batches(volumes, carried, schema, by_study), schema, order)


def _batches(
    volumes: FinishedStage, carried: Sequence[pa.Field], schema: pa.Schema, by_study: bool
) -> Iterator[pa.RecordBatch]:
    for shard in range(volumes.run.plan.shards):
        records = _records(volumes, shard, carried, by_study)
        while rows := list(islice(records, _ROWS)):
            yield pa.RecordBatch.from_pylist(rows, schema)


def _records(
    volumes: FinishedStage, shard: int, carried: Sequence[pa.Field], by_study: bool
) -> Iterator[dict[str, Any]]:
    """Volumes in the order of their first objects, then objects that are in none."""
    plan = volumes.plan().shard(shard)
    objects = plan.select([name for name in plan.schema.names if name != "facts"]).to_pylist()
    rows = volumes.rows(shard, ["status", "detail", "slices", "volumes"]).to_pylist()
    parts: defaultdict[str, list[Row]] = defaultdict(list)
    for planned, row in zip(objects, rows, strict=True):
        for one in row["slices"]:
            parts[one["volume"]].append({**planned, **one})
    found = [volume_of(text) for row in rows for text in row["volumes"]]
    for record_id, volume in of_studies(found) if by_study else ((one.volume_id, one) for one in found):
        slices = parts[volume.volume_id]
        yield {**_common(slices[0], carried), **_volume(record_id, volume, slices)}
    for planned, row in zip(objects, rows, strict=True):
        if not row["slices"] and row["status"] != Status.OK:
            yield {**_common(planned, carried), **_object(row)}


def _common(planned: Row, carried: Sequence[pa.Field]) -> dict[str, Any]:
    """What a record has of its first object, whatever it is."""
    given = {name: planned[name] for name in ("record_id", "subject_id", "uri", "size", "etag")}
    given |= {"series_uid": planned["series_uid"], "study_uid": planned["study_uid"], FORMAT.name: planned["format"]}
    return given | {field.name: planned[as_carried(field).name] for field in carried}


def _volume(record_id: str, volume: SeriesVolume, slices: Sequence[Row]) -> dict[str, Any]:
    readable = volume.status is None
    return {
        "record_id": record_id,
        "size": _size(slices),
        "series_uid": volume.series_uid,
        "study_uid": volume.study_uid,
        "n_slices": volume.shape[2] if volume.shape is not None and readable else len(slices),
        "shape": volume.shape,
        "spacing": volume.spacing,
        "orientation": volume.orientation,
        "tilt_deg": volume.tilt_deg,
        "residual_mm": volume.residual_mm,
        "affine": None if volume.affine is None else [float(value) for row in volume.affine for value in row],
        "selected_by": volume.selected_by,
        SLICES.name: [_slice(one) for one in sorted(slices, key=lambda one: one["index"])] if readable else None,
        DECODED_BYTES.name: volume.decoded_bytes if readable else 0,
        VOLUME_STATUS.name: volume.status,
        VOLUME_DETAIL.name: volume.detail or None,
    }


def _size(slices: Sequence[Row]) -> int | None:
    sizes = {one["record_id"]: one["size"] for one in slices}.values()
    return None if any(size is None for size in sizes) else sum(sizes)


def _slice(one: Row) -> dict[str, Any]:
    return {name: one[name] for name in ("uri", "etag", "size", "frame", "index", "corner")}


def _object(row: Row) -> dict[str, Any]:
    return {
        SLICES.name: None,
        DECODED_BYTES.name: 0,
        VOLUME_STATUS.name: row["status"],
        VOLUME_DETAIL.name: row["detail"],
    }
