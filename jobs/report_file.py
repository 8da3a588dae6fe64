"""`report.html` beside the manifest of a finished run, with the pictures that the room of its input draws."""

from collections.abc import Callable, Iterable

from cluster.storage import Store
from jobs.registry import job_kind
from jobs.reporting.report import render
from schemas.crashpoints import crashpoint
from schemas.picture import Picture
from schemas.run import REPORT_KEY, RunFile
from workers.finished_runs.documents import existing_manifest, existing_run


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
    return [] if found is None else list(found(store))
