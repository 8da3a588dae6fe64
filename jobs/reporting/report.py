"""`report.html`: one self-contained page about a finished run, made from its run and manifest files alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cluster.storage import Store
from jobs.reporting.amounts import duration, size
from schemas.crashpoints import crashpoint
from schemas.run import REPORT_KEY, Manifest, RunFile
from workers.finished_runs.documents import existing_manifest, existing_run

_TEMPLATE = "report.html.j2"


def write_report(store: Store) -> str:
    """Make the page and put it beside the manifest, in place of an older one. Returns its uri.

    Raises UsageError where no run lies, IncompleteError without a manifest.
    """
    run, manifest = existing_run(store), existing_manifest(store)
    body = render(run, manifest, store.uri).encode()
    crashpoint("report.before_put")
    store.put(REPORT_KEY, body, {"fingerprint": run.fingerprint})
    return f"{store.uri}/{REPORT_KEY}"


def render(run: RunFile, manifest: Manifest, uri: str) -> str:
    """The page as text. Every value is escaped; nothing is loaded from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(_facts(run, manifest, uri))


def _facts(run: RunFile, manifest: Manifest, uri: str) -> dict[str, Any]:
    longest_first = sorted(manifest.seconds.items(), key=lambda pair: -pair[1])
    return {
        "run": run,
        "manifest": manifest,
        "uri": uri,
        "statuses": [(status, count, count / max(1, manifest.records)) for status, count in manifest.statuses.items()],
        "totals": [
            (column.name, column.total, manifest.totals[column.name])
            for column in run.columns
            if column.name in manifest.totals
        ],
        "seconds": [(step, duration(spent)) for step, spent in longest_first if step != "total"],
        "rows_bytes": size(sum(record.bytes for record in manifest.files if record.rows is not None)),
        "plan_bytes": size(run.plan.bytes),
        "versions": sorted(dict(run.recorded.get("versions", {})).items()),
        "prepare": [(model, [_step(step) for step in steps]) for model, steps in run.prepare.items()],
    }


def _step(step: Any) -> str:
    """One prepare step as a spec has it: `resize: height=224, width=224`."""
    if not isinstance(step, Mapping):
        return str(step)
    ((name, settings),) = step.items()
    if not settings:
        return str(name)
    shown = settings
    if isinstance(settings, Mapping):
        shown = ", ".join(f"{key}={value}" for key, value in settings.items())
    return f"{name}: {shown}"
