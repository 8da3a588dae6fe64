"""What decides the rows of a run, and how a difference is put into words."""

from collections.abc import Mapping
from typing import Any

from schemas.canonical import canonical_json, digest
from schemas.rows import OutputColumn
from schemas.run import RESULTS_VERSION, ModelRecord
from schemas.spec import Spec
from workers.collection import StagePlan

_WORDS = {
    "plan": "the planned records",
    "input": "input",
    "prepare": "prepare",
    "models": "the models' files",
    "columns": "the models' declared outputs",
    "shard_records": "compute.shard_records",
    "numerics": "numerics or device kind",
    "results_version": "wardround's own results version",
    "job": "job",
    "stage": "the stage",
    "state": "what earlier stages found",
    "subject_from": "input.subject_id",
    "calibration": "the models' calibration.json",
}


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of what decides the rows."""
    return digest(parts)


def fingerprint_parts(
    spec: Spec,
    plan: StagePlan,
    source: Mapping[str, Any],
    prepare: Mapping[str, Any],
    models: Mapping[str, ModelRecord],
    columns: tuple[OutputColumn, ...],
) -> dict[str, Any]:
    """Everything but the plan's digest, which is known only when the plan is. Plain JSON."""
    return {
        "results_version": RESULTS_VERSION,
        "job": spec.job,
        "stage": plan.stage,
        "input": {name: value for name, value in source.items() if name not in plan.ignores},
        "prepare": {name: list(steps) for name, steps in prepare.items()},
        "models": {name: model.sha256 for name, model in models.items()},
        "columns": [column.model_dump(exclude={"total", "table"}) for column in columns],
        "shard_records": spec.compute.shard_records,
        "numerics": _numerics(spec),
        "subject_from": plan.subject_from,
        "state": dict(plan.state),
    }


def _numerics(spec: Spec) -> dict[str, Any]:
    """Identical bits need the same batches and threads; scores within rounding do not."""
    numerics: dict[str, Any] = {
        "precision": spec.numerics,
        "device": "gpu" if spec.compute.gpus_per_worker else "cpu",
    }
    if spec.numerics == "deterministic":
        numerics |= {"batch": spec.compute.batch, "threads": max(1, int(spec.compute.cpus_per_worker))}
    return numerics


def difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which parts changed, with both values where they are short."""
    lines = []
    for key in sorted({*then, *now}):
        old, new = (canonical_json(parts.get(key)) for parts in (then, now))
        if old != new:
            shown = (
                f" (was {old}, is {new})" if len(old) + len(new) < 160 else f"{_inside(then.get(key), now.get(key))}"
            )
            lines.append(f"{_WORDS.get(key, key)}{shown}")
    return "; ".join(lines)


def _inside(old: Any, new: Any) -> str:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return ""
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return f" ({', '.join(keys)})"
