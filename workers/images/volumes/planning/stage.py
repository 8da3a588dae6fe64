"""Stage `volumes`: which slices are which volume, a shard of whole series at a time."""

import pyarrow as pa

from schemas.status import Status
from workers.images.series.selection_settings import Selection
from workers.images.volumes.planning.grouping import Digests, Grouped, grouped
from workers.images.volumes.planning.texts import volume_text
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import ShardTable
from workers.pipeline.rowtable import build_rows


class VolumesStage:
    """Implements `workers.pipeline.kinds.ShardStage`."""

    def __init__(self, context: StageContext, digests: Digests, selection: Selection | None) -> None:
        self._context = context
        self._digests = digests
        self._selection = selection

    def compute(self, shard: int, records: pa.Table) -> ShardTable:
        """One row an object: its slices, their volumes and places; its status is that of a volume that cannot be."""
        found = grouped(records.to_pylist(), self._digests, self._selection)
        values = {
            "slices": [_slices(one) for one in found],
            "volumes": [[volume_text(volume) for volume in one.volumes] for one in found],
        }
        statuses = [Status.OK if one.fault is None else one.fault.status for one in found]
        details = [(one.fault.detail if one.fault is not None else one.detail) or None for one in found]
        return ShardTable(build_rows(records, self._context.layout, values, statuses, details))

    def close(self) -> None:
        """Stop reading pixels."""
        self._digests.close()


def _slices(one: Grouped) -> list[dict[str, object]]:
    return [
        {
            "volume": volume,
            "frame": place.frame,
            "index": place.index,
            "place_mm": place.place_mm,
            "corner": None if place.corner is None else list(place.corner),
            "sop_uid": place.sop_uid,
        }
        for volume, place in one.slices
    ]
