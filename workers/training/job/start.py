"""The model directory that a training begins from, on the node that needs it. Imports no torch."""

from pathlib import Path

from cluster.storage import fetch_directory
from workers.pipeline.context import StageContext
from workers.training.job.settings import TrainKeys


def start_of(context: StageContext, source: TrainKeys) -> Path | None:
    """Where it lies here; None where none is asked for. Raises RefusedError where it is not as it was planned with."""
    if source.start is None:
        return None
    digest = context.run.parts["state"]["start"]
    return fetch_directory(source.start, context.own_storage, expected_sha256=digest, remembered=True).path
