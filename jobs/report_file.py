"""`report.html` beside the manifest of a finished run, with the pictures that the room of its input draws."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cluster.storage import Store
from jobs.registry import job_kind
from jobs.reporting.report import render
from jobs.reporting.thumbnails import drawn
from jobs.settings import storage_settings
from schemas.checklist import Checklist
from schemas.crashpoints import crashpoint
from schemas.loading import validate
from schemas.picture import Picture
from schemas.run import REPORT_KEY, RunFile
from schemas.spec import Spec
from workers.finished_runs.documents import existing_manifest, existing_run
from workers.finished_runs.stage import FinishedStage


def write_report(store: Store, spec: Spec | None = None) -> str:
    """Make the page and put it beside the manifest, in place of an older one. Returns its uri.

    `spec`: that of the run as it is today, whose statements stand in checklists; default: as it was run.
    Raises UsageError where no run lies, IncompleteError without a manifest.
    """
    run, manifest = existing_run(store), existing_manifest(store)
    body = render(run, manifest, store.uri, _drawn(run, store), _checklists(run, store, spec or run.spec)).encode()
    crashpoint("report.before_put")
    store.put(REPORT_KEY, body, {"fingerprint": run.fingerprint})
    return f"{store.uri}/{REPORT_KEY}"


def _drawn(run: RunFile, store: Store) -> list[Picture]:
    """None where the room draws nothing."""
    room = job_kind(run.spec.job).room(run.spec.input)
    found: Callable[[Store], Iterable[Picture]] | None = room.find("pictures", "pictures")
    return [*([] if found is None else found(store)), *_thumbnails(run, store)]


def _checklists(run: RunFile, store: Store, spec: Spec) -> list[Checklist]:
    """None where the room has none."""
    room = job_kind(run.spec.job).room(run.spec.input)
    found: Callable[[Store, RunFile, Mapping[str, Any]], Iterable[Checklist]] | None
    found = room.find("checklists", "checklists")
    return [] if found is None else list(found(store, run, spec.input))


def _thumbnails(run: RunFile, store: Store) -> Iterable[Picture]:
    wanted = run.spec.report.thumbnails
    if wanted is None:
        return []
    room = job_kind(run.spec.job).room(run.spec.input)
    source = validate(room.get("settings", "INPUT"), run.spec.input, "input")
    make = room.get("thumbnails", "thumbnails")
    return drawn(FinishedStage(store, "", run), wanted, make, source, storage_settings(run.spec))
