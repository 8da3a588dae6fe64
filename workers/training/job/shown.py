"""What networks are shown, as stage `prepare` writes it and stage `fit` reads it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from schemas.outputs import OutputField
from schemas.temporary import room_for
from workers.finished_runs.stage import FinishedStage
from workers.pipeline.columns import ModelColumns
from workers.pipeline.reading import Prepared
from workers.pipeline.rowtable import ShardRows
from workers.pipeline.scoring import ShardScoring
from workers.training.job.columns import PREPARE


class ShownScoring(ShardScoring):
    """Instead of scoring: each record's input becomes the columns of its row, as `show` gives them by name."""

    seconds = 0.0
    core_seconds = 0.0
    held_bytes = 0

    def __init__(self, outputs: Sequence[OutputField], show: Callable[[Prepared], Mapping[str, Any]]) -> None:
        super().__init__("cpu")
        self._outputs, self._show = tuple(outputs), show
        self._columns = ModelColumns(self._outputs, 0)

    def _begin(self, rows: ShardRows) -> Mapping[str, ModelColumns]:
        self._columns = ModelColumns(self._outputs, rows.records.num_rows)
        return {PREPARE: self._columns}

    def _take(self, rows: ShardRows, records: Sequence[Prepared]) -> None:
        for record in records:
            self._columns.put([(record.row, 0)], {name: [value] for name, value in self._show(record).items()})

    def _flush(self, rows: ShardRows) -> None:
        return


def local_rows(stage: FinishedStage, places: NDArray[Any], columns: Sequence[str], path: Path) -> pa.Table:
    """These rows of a stage, by ascending places, in a file on this node that is mapped into memory: they may be larger
    than it."""
    writer: pa.ipc.RecordBatchFileWriter | None = None
    with room_for("the prepared records do"), pa.OSFile(str(path), "wb") as sink:
        for shard, rows in stage.run.plan.by_shard(places.tolist()).items():
            part = stage.rows(shard, columns).take(rows)
            writer = writer or pa.ipc.new_file(sink, part.schema)
            writer.write_table(part)
        if writer is not None:
            writer.close()
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
