"""Small pictures of the records with the highest values of a column, where the spec asks for them."""

import base64
import heapq
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from cluster.storage import StorageSettings
from jobs.reporting.cells import number
from schemas.errors import SpecError
from schemas.loading import nearest
from schemas.picture import Picture
from schemas.rows import OutputColumn
from schemas.spec import Thumbnails
from schemas.thumbnail import Thumbnail
from workers.finished_runs.stage import FinishedStage

Thumbnailer = Callable[[object, StorageSettings, pa.Table], Iterable[Thumbnail | None]]
"""`thumbnails.thumbnails` of a room, `(source, storage, records)`: one for each planned record, in their order."""


def check_column(wanted: Thumbnails, columns: Iterable[OutputColumn]) -> None:
    """Raises SpecError where the rows have no such column, or one that has no highest value."""
    kinds = {column.name: column.type for column in columns if column.output}
    ordered = {name for name, kind in kinds.items() if kind.startswith(("float", "int", "uint", "bool"))}
    if wanted.of in ordered:
        return
    why = f"is of {kinds[wanted.of]}, which has no highest value" if wanted.of in kinds else "is no column of the rows"
    hint = nearest(wanted.of, ordered) or "."
    raise SpecError(f"report.thumbnails.of: {wanted.of!r} {why}{hint} There: {', '.join(sorted(ordered)) or 'none'}")


def highest(stage: FinishedStage, wanted: Thumbnails) -> list[tuple[float, int]]:
    """The highest values of the column with the places of their records, the highest first; of equals the earlier."""
    kept: list[tuple[float, int]] = []
    for shard in range(stage.run.plan.shards):
        values = stage.rows(shard, [wanted.of])[wanted.of].cast(pa.float64())
        numbers = values.to_numpy(zero_copy_only=False)
        first = stage.run.plan.shard_start(shard)
        found = [(float(numbers[row]), -(first + int(row))) for row in np.flatnonzero(np.isfinite(numbers))]
        kept = heapq.nlargest(wanted.most, [*kept, *heapq.nlargest(wanted.most, found)])
    return [(value, -place) for value, place in kept]


def drawn(
    stage: FinishedStage, wanted: Thumbnails, thumbnailer: Thumbnailer, source: object, storage: StorageSettings
) -> Iterator[Picture]:
    """A picture of each, with its value, shard and row."""
    found = highest(stage, wanted)
    places = sorted(place for _, place in found)
    made = dict(zip(places, thumbnailer(source, storage, stage.plan().rows(places)), strict=True)) if places else {}
    plan = stage.run.plan
    for value, place in found:
        shard = plan.shard_of(place)
        where = f"shard {shard}, row {place - plan.shard_start(shard)}"
        title = f"{number(value)} ({where})"
        thumbnail = made[place]
        words = f"Record at {where}, {wanted.of} {number(value)}"
        if thumbnail is None:
            title += ": it cannot be read any more, or has changed"
        yield Picture(f"Highest {wanted.of}", title, _element(thumbnail), words)


def _element(thumbnail: Thumbnail | None) -> str:
    if thumbnail is None:
        return '<svg viewBox="0 0 16 1"></svg>'
    text = base64.b64encode(thumbnail.png).decode("ascii")
    size = f'width="{thumbnail.columns}" height="{thumbnail.rows}"'
    image = f'<image {size} href="data:image/png;base64,{text}"/>'
    return f'<svg class="small" viewBox="0 0 {thumbnail.columns} {thumbnail.rows}">{image}</svg>'
