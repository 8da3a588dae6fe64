"""`report.html` beside the manifest of a finished run, with the pictures that the room of its input draws."""

from collections.abc import Callable, Iterable

from cluster.storage import Store
from jobs.registry import job_kind
from jobs.reporting.report import render
from jobs.reporting.thumbnails import drawn
from jobs.settings import storage_settings
from schemas.crashpoints import crashpoint
from schemas.loading import validate
from schemas.picture import Picture
from schemas.run import REPORT_KEY, RunFile
from workers.finished_runs.documents import existing_manifest, existing_run
from workers.finished_runs.stage import FinishedStage


def write_report(store: Store) -> str:
    """Make the page and put it beside the manifest, in place of an older one. Returns its uri.

    Raises UsageError where no run lies, IncompleteError without a manifest.
    """
    run, manifest = existing_run(store), existing_manifest(store)
    body = render(run, manifest, store.uri, _drawn(run, store)).encode()
    crashpoint("report.before_put")
    store.put(REPORT_KEY, body, {"fingerprint": run.fingerprint})
    return f"{store.uri}/{REPORT_KEY}"


def _drawn(run: RunFile, store: Store) -> list[Picture]:
    """None where the room draws nothing."""
    room = job_kind(run.spec.job).room(run.spec.input)
    found: Callable[[Store], Iterable[Picture]] | None = room.find("pictures", "pictures")
    return [*([] if found is None else found(store)), *_thumbnails(run, store)]


def _thumbnails(run: RunFile, store: Store) -> Iterable[Picture]:
    wanted = run.spec.report.thumbnails
    if wanted is None:
        return []
    room = job_kind(run.spec.job).room(run.spec.input)
    source = validate(room.get("settings", "INPUT"), run.spec.input, "input")
    make = room.get("thumbnails", "thumbnails")
    return drawn(FinishedStage(store, "", run), wanted, make, source, storage_settings(run.spec))
