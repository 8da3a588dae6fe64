"""Stage `prepare` of a training over volumes in a worker; those before it are of predict."""

from typing import Any

from workers.images.settings import ImagesInput
from workers.images.volumes.stages import open_reader
from workers.images.volumes.training.label_maps import LabelMaps
from workers.labels.table import planned_labels
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import RecordStage


def prepare(context: StageContext, source: Any, images: ImagesInput) -> RecordStage:
    """Read and prepare as for scoring; what would be scored becomes columns, with its classes. `source` is the whole
    training, `images` its input alone."""
    state = context.run.parts["state"]
    reader = open_reader(context, images, [state["prepare"]])
    labels = None if source.labels is None else planned_labels(source.labels, context.storage, state["labels"])
    ((_, output),) = source.outputs.items()

    def labelling() -> Any:
        from workers.images.volumes.training.labelling import LabellingScoring  # noqa: PLC0415 - imports torch

        maps = LabelMaps(images, source.labels, labels, output.column, context.storage)
        return LabellingScoring(maps, output)

    return RecordStage(reader, labelling)
