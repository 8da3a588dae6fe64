"""A network on volumes, opened for whichever task it has. Imports torch."""

from collections.abc import Mapping
from typing import Any

from workers.images.volumes.contract import OpenSink, VolumeModel
from workers.images.volumes.windows.classifying import ClassifyRunner
from workers.images.volumes.windows.finished import Runner
from workers.images.volumes.windows.segmenting import SegmentRunner
from workers.images.volumes.windows.sinks import open_sink as open_model_grid
from workers.pipeline.tuning import Tuner

CPU_BATCHES = (1, 2)
GPU_BATCHES = (1, 2, 4, 8, 16)
"""Windows in one pass that are tried. One is millions of voxels: a batch of a few fills a device, and of one the layers
of a network stay in a processor's cache."""


def open_runner(
    model: VolumeModel, tuner: Tuner, open_sink: OpenSink = open_model_grid, room: int | None = None
) -> Runner:
    """A runner for a model. `open_sink` is asked for a sink for each volume of a segmentation; without it labels or
    masks on the model's own grid are kept. `room` is the memory of the model's device in bytes, None: not known.

    Raises SpecError where the card's `air_below` is not true of the network.
    """
    if model.card.task == "classification":
        return ClassifyRunner(model, tuner, room)
    return SegmentRunner(model, tuner, open_sink, room)


def open_tuner(model: VolumeModel, fixed: int | None = None, known: Mapping[str, Any] | None = None) -> Tuner:
    """Measures how many windows to show at a time, and in which memory layout where the model has several
    (`workers.pipeline.tuning.HasLayouts`). `fixed`: always so many, such as the card's."""
    batches = CPU_BATCHES if model.device == "cpu" else GPU_BATCHES
    return Tuner(model, model.device, fixed, known, batches)
