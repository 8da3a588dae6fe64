"""The stages of a run over volumes, each planned from what the one before it committed."""

from collections.abc import Sequence

import pyarrow as pa

from workers.collection import PREDICT, StagePlan
from workers.finished_runs.stage import FinishedStage
from workers.images.planning import ImageRecords
from workers.images.settings import ONLY_REFUSE
from workers.images.volumes.planning.columns import GEOMETRY, HEADER_TYPES, HEADERS, TOGETHER, VOLUME_COLUMNS, VOLUMES
from workers.images.volumes.planning.objects import object_batches, objects_schema
from workers.images.volumes.planning.records import record_batches, records_schema

STAGES = (HEADERS, VOLUMES, PREDICT)
MOST_IN_SHARD = 16
"""Volumes of a shard at most: each may take a minute, and a shard is what a crash costs."""
SAMPLE = 8
"""Volumes that tell whether a spec is wrong: 64 of them would take longer than to notice it."""


def plan_stage(stage: str, finished: Sequence[FinishedStage], records: ImageRecords, shard_records: int) -> StagePlan:
    """The plan of one of `STAGES`."""
    carried = [*records.carry, *(pa.field(name, pa.string()) for name in records.header_carry)]
    if stage == HEADERS:
        return StagePlan(
            HEADERS,
            records.schema,
            records.batches,
            header_carry=(*records.header_carry, *HEADER_TYPES),
            header_types=HEADER_TYPES,
            subject_from=records.subject_from,
            tightenable=ONLY_REFUSE,
            ignores=("segmentation",),
            passed_over=records.passed_over,
        )
    if stage == VOLUMES:
        return StagePlan(
            VOLUMES,
            objects_schema(carried),
            lambda: object_batches(finished[0], carried, by_study=records.source.selection is not None),
            columns=VOLUME_COLUMNS,
            kind="shards",
            whole_subjects=True,
            whole_by=TOGETHER.name,
            tightenable=ONLY_REFUSE,
            ignores=("segmentation",),
        )
    return StagePlan(
        PREDICT,
        records_schema(carried),
        lambda: record_batches(finished[1], carried, by_study=records.source.record == "study"),
        carry=(*(field.name for field in carried), *GEOMETRY),
        columns=None,
        shard_records=min(shard_records, MOST_IN_SHARD),
        sample=SAMPLE,
        tightenable=ONLY_REFUSE,
    )
