"""The short table at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jobs.console import columns
from jobs.reporting.amounts import duration
from jobs.reporting.figures import figures
from schemas.run import BY_MODEL, Manifest
from schemas.status import Status
from schemas.wording import counted

if TYPE_CHECKING:
    from jobs.running import Outcome

MOST_ROWS = 100
"""Rows of each table that a terminal shows."""


def as_json(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        **figures(outcome.manifest, outcome.run_uri),
        "complete": True,
        "nothing_to_do": outcome.nothing_to_do,
        "seconds": round(outcome.seconds, 3),
    }


def as_table(outcome: Outcome) -> str:
    """What a person reads: records by status, seconds, busy, where it lies."""
    manifest = outcome.manifest
    rows = [("records", f"{manifest.records:,}")]
    rows += status_rows(manifest.statuses)
    rows += [(name, f"{value:,.4g}") for name, value in manifest.totals.items()]
    rows += [("time", "nothing to do: the run is complete" if outcome.nothing_to_do else duration(outcome.seconds))]
    if manifest.busy is not None:
        rows.append(("busy", f"{manifest.busy:.0%}"))
    rows += [(name.replace("_", " "), f"{count:,}") for name, count in manifest.counts.items()]
    rows.append(("lies at", outcome.run_uri))
    rows += [(post.title, f"{outcome.run_uri}/{post.files}") for post in manifest.signposts]
    return "\n\n".join(
        [columns(rows), *(table_text(title, found) for title, found in manifest.tables.items() if found)]
    )


def warnings(outcome: Outcome) -> list[str]:
    """What nobody may overlook: a model that scored not one record, a remark on most of those that were scored, an
    input that is another one by now."""
    found = []
    manifest = outcome.manifest
    why = f"wardround rows {outcome.run_uri} tells why"
    if manifest.records and not manifest.statuses.get(Status.OK):
        by_status = ", ".join(f"{status} {count:,}" for status, count in manifest.statuses.items())
        found.append(f"not one of {counted(manifest.records, 'record')} was scored ({by_status}): {why}")
    by_model = manifest.tables.get(BY_MODEL, ())
    scored = {row["model"] for row in by_model if row["status"] == Status.OK}
    for model in dict.fromkeys(row["model"] for row in by_model if row["model"] not in scored):
        found.append(f"model {model!r} scored not one record: {why.replace(' tells', f' --model {model} tells')}")
    found += _remarks(manifest, outcome.run_uri)
    if outcome.input_records not in (None, outcome.planned_records):
        found.append(
            f"the input now has {counted(outcome.input_records or 0, 'record')}, the run "
            f"{outcome.planned_records:,}: a complete run is not extended. Choose another output.uri, or "
            f"wardround discard {outcome.run_uri} --yes"
        )
    return found


def _remarks(manifest: Manifest, run_uri: str) -> list[str]:
    # On a few rows a remark is about these rows; on most of them it is about the spec, such as a wrong column of times.
    scored = manifest.statuses.get(Status.OK, 0)
    reasons = manifest.figures.reasons.groups if manifest.figures else ()
    told = [(group.value, group.statuses.get("", {}).get(Status.OK, 0)) for group in reasons]
    return [
        f"{counted(count, 'record')} of {scored:,} that are ok: {reason}; "
        f"wardround rows {run_uri} --status ok shows them"
        for reason, count in told
        if reason is not None and 2 * count > scored
    ]


def table_text(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of the manifest as lines of text; a long one is left to the report."""
    if len(rows) > MOST_ROWS:
        return f"{title}: {counted(len(rows), 'row')} in report.html and manifest.json"
    names = list(rows[0])
    shown = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in shown) for at in range(len(names))]
    numbers = [isinstance(rows[0][name], int | float) for name in names]
    lines = [
        "  ".join(
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in shown
    ]
    return "\n".join([title, *lines])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def status_rows(statuses: Mapping[str, int]) -> list[tuple[str, str]]:
    """Indented lines, one a status, most frequent first."""
    width = max((len(f"{count:,}") for count in statuses.values()), default=0)
    return [(f"  {status}", f"{count:,}".rjust(width)) for status, count in statuses.items()]
