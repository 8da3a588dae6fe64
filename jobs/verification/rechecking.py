"""Compute a sample of a run's rows again from the source, where its collection knows how."""

from collections.abc import Iterable

from jobs.registry import job_kind
from jobs.rejects import spread_sample
from jobs.rundir import StageDirectory
from jobs.settings import storage_settings
from schemas.errors import InfrastructureError, UsageError
from schemas.loading import validate
from schemas.run import shard_key
from workers.collection import Recheck, Rechecker

_SAMPLE = 64


def recheck(stages: Iterable[StageDirectory], faults: list[str]) -> Recheck | None:
    """Recompute rows of a verified run's last stage; None where its collection cannot. Adds a fault for each wrong row.

    Only the source can be missing, which is no fault. Raises InfrastructureError where it cannot be reached.
    """
    last = next(stage for stage in stages if not stage.directory)
    spec = last.run.spec
    room = job_kind(spec.job).room(spec.input)
    rechecker: Rechecker | None = room.find("recheck", "recheck")
    if rechecker is None:
        return None
    source = validate(room.get("settings", "INPUT"), spec.input, "input")
    finished = last.finished()
    places = spread_sample(last.run.plan, _SAMPLE)
    planned = finished.plan().rows(places)
    written = finished.rows_at(places, ["status", *last.run.header_carry])
    try:
        again = rechecker(source, storage_settings(spec), planned, written)
    except (InfrastructureError, UsageError) as error:
        raise InfrastructureError(
            f"the source of the run cannot be reached, to compute rows again: {error}. "
            "To check the run alone: verify --no-source"
        ) from error
    info = last.run.plan
    for wrong in again.wrong:
        shard = info.shard_of(places[wrong])
        faults.append(
            f"row {places[wrong] - info.shard_start(shard)} of {shard_key(last.run.rows_dir, shard)} is not what the "
            "source gives when it is computed again"
        )
    return again
