"""`model_card.md`: what is known of a model that was trained here, and what only its author can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_json
from workers.training.job.settings import Output, TrainKeys

CARD = "model_card.md"
_OPEN = "*Not stated: for the author to fill in.*"


@dataclass(frozen=True)
class Facts:
    """What the card is made of: `fits` are the rows of stage `fit`, `account` the records by split and state, `state`
    the digests that the run was planned with."""

    name: str
    source: TrainKeys
    steps: tuple[Any, ...]
    fits: Sequence[Mapping[str, Any]]
    account: Sequence[Mapping[str, Any]]
    state: Mapping[str, Any]
    versions: Mapping[str, str]
    fingerprint: str
    remarks: Sequence[str] = ()


def model_card(facts: Facts) -> str:
    """The page. The same facts give the same bytes."""
    source = facts.source
    network = f"`{source.network.name}` with settings `{canonical_json(dict(source.network.settings))}`"
    parts = [
        f"# {facts.name}",
        f"Trained by wardround {facts.versions.get('wardround', '')}, run `{facts.fingerprint[:12]}`.",
        "## Intended use",
        _OPEN,
        "## What it tells",
        _table(
            ("output", "task", "truth", "values"),
            [(name, one.task, one.truth or name, _values(one)) for name, one in source.outputs.items()],
        ),
        "## Data",
        _table(("split", "state", "records"), [(row["split"], row["state"], row["records"]) for row in facts.account]),
        f"Labels: sha256 `{facts.state['labels']}`. Splits: `{canonical_json(source.splits.model_dump(mode='json'))}`."
        if facts.state.get("labels")
        else "Labels: columns that the records carry.",
        f"Source, licence and population: {_OPEN}",
        "## Preparation",
        f"`{canonical_json(list(facts.steps))}`",
        "## Network and fit",
        f"{network}. Settings of the fit: `{canonical_json(source.fit.model_dump(mode='json'))}`.",
        *(
            [f"Begun from the model directory with sha256 `{facts.state['start']}`."]
            if facts.state.get("start")
            else []
        ),
        *(f"{remark[:1].upper()}{remark[1:]}." for remark in facts.remarks),
        "## Tuning",
        _table(
            ("seed", "metric", "value", "best epoch", "epochs", "ended"),
            [_fit(row) for row in facts.fits],
        ),
        "Figures on held-out records are of an evaluation (`job: evaluate`) and stand in its report, not here.",
        "## Limits and risks",
        _OPEN,
        "## Versions",
        ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _fit(row: Mapping[str, Any]) -> tuple[Any, ...]:
    value = "not defined" if row["tuning"] is None else f"{row['tuning']:.4f}"
    return row["seed"], row["metric"], value, row["best_epoch"], row["epochs"], row["ended"]


def _values(output: Output) -> str:
    if output.task == "binary":
        others = "all others" if output.negative is None else output.negative
        return f"positive: {output.positive}; negative: {others}"
    return ", ".join(str(value) for value in output.classes)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
