"""The model directory that a training begins from, on the node that needs it. Imports no torch."""

from pathlib import Path

from cluster.storage import StorageSettings, fetch_directory
from schemas.errors import SpecError
from workers.models.files import read_json
from workers.models.network_directory import CONFIG
from workers.pipeline.context import StageContext
from workers.training.job.search import at_each_point
from workers.training.job.settings import TrainKeys


def planned_start(source: TrainKeys, storage: StorageSettings) -> str | None:
    """Its digest; None where none is asked for. Raises SpecError where it is of another network than the training, so
    that nobody prepares records for what cannot begin."""
    if source.start is None:
        return None
    found = fetch_directory(source.start, storage)
    config = found.path / CONFIG
    # A directory of another kind, such as transformers', names no network of ours.
    begun = read_json(config).get("network") if config.exists() else None

    def check(point: TrainKeys) -> None:
        if isinstance(begun, str) and begun != point.network.name:
            raise SpecError(
                f"input.start: {source.start} is a model of {begun}, and network.name is {point.network.name}: "
                "begin from a model of that network, or leave start out"
            )

    at_each_point(source, check)
    return found.digest


def start_of(context: StageContext, source: TrainKeys) -> Path | None:
    """Where it lies here; None where none is asked for. Raises RefusedError where it is not as it was planned with."""
    if source.start is None:
        return None
    digest = context.run.parts["state"]["start"]
    return fetch_directory(source.start, context.own_storage, expected_sha256=digest, remembered=True).path
