"""Stage `prepare` of a training over volumes: each prepared volume with the classes of its voxels. Imports torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.images.volumes.inputs import VolumeInputs
from workers.images.volumes.training.classes import classes_of, unnamed_values
from workers.images.volumes.training.label_maps import LabelMaps
from workers.images.volumes.training.on_grid import on_grid
from workers.images.volumes.training.shown import SHOWN, columns_of
from workers.images.volumes.turned import turned
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.training.job.columns import PREPARE
from workers.training.job.settings import Output


class LabellingScoring(ShardScoring):
    """Instead of scoring: volume and label map become the columns of a row. A volume without a label map keeps none:
    nothing is learned from it."""

    seconds = 0.0
    core_seconds = 0.0
    held_bytes = 0

    def __init__(self, maps: LabelMaps, output: Output) -> None:
        super().__init__("cpu")
        self._maps, self._output = maps, output
        self._columns = ModelColumns(SHOWN, 0)
        self._uris: Sequence[str | None] = ()

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        self._uris = self._maps.uris(rows.records)
        self._columns = ModelColumns(SHOWN, rows.records.num_rows)
        return {PREPARE: self._columns}

    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        for record in records:
            try:
                values = self._values(record.inputs[0], record.row)
            except RecordError as error:
                self._columns.reject(record.row, Status(error.status), error.detail)
                continue
            self._columns.put([(record.row, 0)], {name: [value] for name, value in values.items()})

    def _values(self, inputs: VolumeInputs, row: int) -> Mapping[str, Any]:
        (volume,) = inputs.prepared
        if isinstance(volume, Fault):
            raise RecordError(volume.status, volume.detail)
        uri = self._uris[row]
        if uri is None:
            return dict.fromkeys((field.name for field in SHOWN), None)
        voxels, there = self._maps.read(uri, row)
        grid = inputs.original.grid
        labels = turned(voxels, there, grid, "its label map")
        classes = on_grid(classes_of(labels, self._output), grid, volume.grid)
        return columns_of(volume.voxels, classes, volume.grid, uri, unnamed_values(labels, self._output))

    def _flush(self, rows: ShardRows) -> None:
        return

    def close(self) -> None:
        """Stop reading label maps."""
        self._maps.close()
