"""What crashed attempts left in a run directory, and which of it is proved ours and useless.

Never an object under `predictions/` or a stage's rows, never what is not recognised. An unfinished write (a multipart
upload that was not completed, a hidden file on a local disk) is not an object yet, wherever it lies. A side object that
no rows vouch for is known only once the run is complete: until then they may still be to come.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cluster.storage import PendingUpload, Store
from cluster.storage.probe import FOLDER
from jobs.state import open_stages
from schemas.run import MANIFEST_KEY, REPORT_KEY, TUNING_DIR
from workers.finished_runs.documents import read_manifest, read_run
from workers.pipeline.objects import RecordNames

PLAN_NAME = re.compile(r"^(?P<directory>stages/[^/]+/)?plan-(?P<sha256>[0-9a-f]{64})\.parquet$")
"""The name of a plan, of whichever driver."""


@dataclass(frozen=True)
class Leftover:
    """One thing that nobody needs. `upload` is set where it is an unfinished write."""

    kind: str
    key: str
    modified: datetime
    size: int | None = None
    upload: PendingUpload | None = None

    def remove(self, store: Store) -> None:
        """Delete it."""
        if self.upload is not None:
            store.abort_upload(self.upload)
        else:
            store.delete(self.key)


def leftovers(store: Store, older_than: timedelta) -> Iterator[Leftover]:
    """Everything that is older than that: what is younger may belong to a run at work.

    Raises UsageError where no run lies: nothing in a directory that is not a run's is ours.
    """
    open_stages(store)
    before = datetime.now(UTC) - older_than
    for found in _all(store):
        if found.modified < before:
            yield found


def _all(store: Store) -> Iterator[Leftover]:
    for upload in store.pending_uploads():
        yield Leftover("unfinished write", upload.key, upload.initiated, upload=upload)
    for info in store.list(f"{FOLDER}/"):
        yield Leftover("probe", info.key, info.modified, info.size)
    yield from _stale_plans(store)
    yield from _unvouched(store)


def _unvouched(store: Store) -> Iterator[Leftover]:
    """What an attempt of this run wrote and the manifest does not name: the rows beside it were never written."""
    manifest = read_manifest(store)
    if manifest is None:
        return
    stages = open_stages(store)
    ours = {stage.run.fingerprint for stage in stages}
    rows = tuple(f"{stage.directory}{stage.run.rows_dir}/" for stage in stages)
    known = {MANIFEST_KEY, REPORT_KEY, *(record.key for record in manifest.files)}
    of_records = [RecordNames(stage.finished()) for stage in stages]
    for info in store.list():
        if info.key in known or info.key.startswith((*rows, f"{FOLDER}/", TUNING_DIR)) or PLAN_NAME.match(info.key):
            continue
        if any(names.has(info.key) for names in of_records) or _carries(store, info.key, ours):
            yield Leftover("side object of no rows", info.key, info.modified, info.size)


def _carries(store: Store, key: str, fingerprints: set[str]) -> bool:
    head = store.head(key)
    return head is not None and head.metadata.get("fingerprint") in fingerprints


def _stale_plans(store: Store) -> Iterator[Leftover]:
    """Plans beside a `run.json` that names another: that file is never replaced, so nobody can ever need them.

    Without a `run.json` a plan is left alone: a driver may be about to adopt it.
    """
    for prefix in ("plan-", "stages/"):
        for info in store.list(prefix):
            match = PLAN_NAME.match(info.key)
            if match is None:
                continue
            directory = match["directory"] or ""
            run = read_run(store, directory)
            if run is not None and directory + run.plan.key != info.key:
                yield Leftover("plan of no run", info.key, info.modified, info.size)
