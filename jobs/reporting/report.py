"""`report.html`: one self-contained page about a finished run, made from its run and manifest files alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jobs.reporting.amounts import duration, size
from jobs.reporting.cells import Cell, Grid, grid_of, number, share
from jobs.reporting.checklists import checklist_grid
from jobs.reporting.pace import pace_grid
from jobs.reporting.scores import score_grids, split_grids
from jobs.reporting.verdicts import WHY_LEFT_OUT, carried_grids, left_out, model_grid, reason_grid
from schemas.checklist import Checklist
from schemas.figures import Figures
from schemas.picture import Picture, anchor_of
from schemas.run import BY_MODEL, Manifest, RunFile
from schemas.wording import counted

_TEMPLATE = "report.html.j2"


def render(
    run: RunFile,
    manifest: Manifest,
    uri: str,
    pictures: Sequence[Picture] = (),
    checklists: Sequence[Checklist] = (),
) -> str:
    """The page as text. Every value is escaped; nothing is loaded from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = _facts(run, manifest, uri, pictures)
    told = {"anchor_of": anchor_of, "checklists": [(one, checklist_grid(one)) for one in checklists]}
    return environment.get_template(_TEMPLATE).render(facts | told)


def _facts(run: RunFile, manifest: Manifest, uri: str, pictures: Sequence[Picture]) -> dict[str, Any]:
    longest_first = sorted(manifest.seconds.items(), key=lambda pair: -pair[1])
    figures = manifest.figures or Figures()
    verdicts = [model_grid(_by_model(manifest)), reason_grid(figures)]
    return {
        "run": run,
        "manifest": manifest,
        "uri": uri,
        "statuses": [
            (status, count, share(count, manifest.records), f"{100 * count / max(1, manifest.records):.2f}")
            for status, count in manifest.statuses.items()
        ],
        "verdicts": [grid for grid in verdicts if grid is not None],
        "sections": {
            name: [picture for picture in pictures if picture.section == name]
            for name in dict.fromkeys(picture.section for picture in pictures)
        },
        "totals": [
            (column.name, column.total, number(manifest.totals[column.name]))
            for column in run.columns
            if column.name in manifest.totals
        ],
        "scores": list(score_grids(run, figures)),
        "carried": list(carried_grids(figures)),
        "scores_by_value": list(split_grids(run, figures)),
        "pace": pace_grid(manifest.pace),
        "not_shown": left_out(figures),
        "why_not_shown": WHY_LEFT_OUT,
        "tables": [grid_of(title, rows) for title, rows in manifest.tables.items() if rows and title != BY_MODEL],
        "columns": Grid(
            "Every row has these, after what identifies it and what was carried",
            ("column", "type", "meaning"),
            [[Cell(column.name), Cell(column.type), Cell(column.meaning)] for column in run.columns],
        ),
        "numerics": _numerics(run),
        "seconds": [(step, duration(spent)) for step, spent in longest_first if step != "total"],
        "rows_bytes": size(sum(record.bytes for record in manifest.files if record.rows is not None)),
        "input_bytes": size(run.plan.bytes) if run.plan.bytes else "",
        "shards": f"{counted(run.plan.shards, 'shard')} of {run.plan.shard_records:,}",
        "listed": run.recorded.get("listed"),
        "versions": sorted(dict(run.recorded.get("versions", {})).items()),
        "prepare": [(model, [_step(step) for step in steps]) for model, steps in run.prepare.items()],
    }


def _by_model(manifest: Manifest) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in manifest.tables.get(BY_MODEL, ()):
        found.setdefault(row["model"], {})[row["status"]] = row["records"]
    return found


def _numerics(run: RunFile) -> str:
    """The precision that the models' columns have; empty of a job without models."""
    if not run.models:
        return ""
    kinds = {kind for column in run.columns for kind in ("float32", "float64") if kind in column.type}
    precision = "float64" if kinds == {"float64"} else "float32"
    return precision if run.spec.numerics == "float32" else f"{precision}, {run.spec.numerics}"


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
