"""Prove a finished run: read every object again and hold all of it against plan, rows and manifest."""

from collections.abc import Iterator, Sequence

from cluster.storage import Store
from jobs.finishing import CountedStage
from jobs.rundir import StageDirectory
from jobs.verification.found import Verified, check_bytes
from jobs.verification.manifest import check_manifest
from jobs.verification.rechecking import recheck
from jobs.verification.shards import check_stage
from jobs.verification.stages import stages_of
from jobs.verification.strangers import check_strangers
from schemas.errors import VerificationError
from schemas.run import RESULTS_VERSION, RUN_KEY, FileRecord, Manifest, shard_key
from workers.finished_runs.documents import existing_manifest

_NAMED = 5


def verify(store: Store, *, with_source: bool = True) -> Verified:
    """Check every object of a complete run, and, `with_source`, a sample of its rows against the input.

    The manifest is made again from what lies there, and must be the same. Raises IncompleteError without a manifest,
    VerificationError on a fault, InfrastructureError where the run or the source cannot be reached.
    """
    manifest = existing_manifest(store)
    found = Verified()
    stages = stages_of(store, manifest, found)
    counted = [checked for stage in stages if (checked := check_stage(stage, found)) is not None]
    if not found.faults:
        check_manifest(manifest, counted, found)
    for record in _not_rows(manifest, stages):
        check_bytes(store, record, found)
    own = set(_keys(stages, counted))
    if len(counted) < len(stages) or not stages:
        # What a damaged stage vouches for is not known: what the manifest names is no stranger.
        own |= {record.key for record in manifest.files}
    check_strangers(store, [each.stage for each in counted], own, found)
    if with_source and not found.faults:
        found.recheck = recheck(stages, found.faults)
    if found.faults:
        raise VerificationError(_told(found.faults, stages))
    return found


def _not_rows(manifest: Manifest, stages: Sequence[StageDirectory]) -> Iterator[FileRecord]:
    """What the manifest names beside rows, which were read already. A key that leads out of the run is not followed."""
    rows = tuple(f"{stage.directory}{stage.run.rows_dir}/" for stage in stages)
    for record in manifest.files:
        if not record.key.startswith(rows) and ".." not in record.key.split("/"):
            yield record


def _keys(stages: Sequence[StageDirectory], counted: Sequence[CountedStage]) -> Iterator[str]:
    """The keys of all that is the run's own: by its plans, and by what rows vouch for."""
    for stage in stages:
        run = stage.run
        yield from (stage.directory + key for key in (RUN_KEY, run.plan.key))
        yield from (stage.directory + shard_key(run.rows_dir, shard) for shard in range(run.plan.shards))
    yield from (record.key for each in counted for record in each.side)


def _told(faults: Sequence[str], stages: Sequence[StageDirectory]) -> str:
    """The first faults, and who made the run where that was another version, which may count otherwise."""
    told = "; ".join(faults[:_NAMED])
    if len(faults) > _NAMED:
        told += f"; and {len(faults) - _NAMED} more"
    last = stages[-1].run if stages else None
    if last is not None and last.parts.get("results_version") != RESULTS_VERSION:
        told += (
            f". The run was made by {last.made_by}, and this one has results version {RESULTS_VERSION}: "
            "verify it with the version that made it"
        )
    return told
