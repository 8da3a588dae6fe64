"""What is known of a model that was trained here, for its card (`workers.models.card_page`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_json
from workers.models.card_page import DATA, PERFORMANCE, page, table
from workers.training.job.settings import Output, TrainKeys

_FIT = ("seed", "metric", "value", "best epoch", "epochs", "ended")
_ELSEWHERE = "Figures on held-out records are of an evaluation (`job: evaluate`) and stand in its report, not here."


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
    source, state = facts.source, facts.state
    labels = "Labels: columns that the records carry."
    if state.get("labels"):
        splits = canonical_json(source.splits.model_dump(mode="json"))
        labels = f"Labels: sha256 `{state['labels']}`. Splits: `{splits}`."
    records = table(
        ("split", "state", "records"), [(row["split"], row["state"], row["records"]) for row in facts.account]
    )
    known = {
        "What it tells": table(
            ("output", "task", "truth", "values"),
            [(name, one.task, one.truth or name, _values(one)) for name, one in source.outputs.items()],
        ),
        "Preparation": f"`{canonical_json(list(facts.steps))}`",
        "Network and fit": _network(facts),
        "Tuning": table(_FIT, [_fit(row) for row in facts.fits]),
        "Versions": ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items())),
        DATA: f"{records}\n\n{labels}",
        PERFORMANCE: _ELSEWHERE,
    }
    by = f"Trained by wardround {facts.versions.get('wardround', '')}, run `{facts.fingerprint[:12]}`."
    return page(facts.name, by, known)


def _network(facts: Facts) -> str:
    source, start = facts.source, facts.state.get("start")
    settings, fit = canonical_json(dict(source.network.settings)), canonical_json(source.fit.model_dump(mode="json"))
    said = [f"`{source.network.name}` with settings `{settings}`. Settings of the fit: `{fit}`."]
    said += [f"Begun from the model directory with sha256 `{start}`."] if start else []
    return "\n\n".join([*said, *(f"{remark[:1].upper()}{remark[1:]}." for remark in facts.remarks)])


def _fit(row: Mapping[str, Any]) -> tuple[Any, ...]:
    value = "not defined" if row["tuning"] is None else f"{row['tuning']:.4f}"
    return row["seed"], row["metric"], value, row["best_epoch"], row["epochs"], row["ended"]


def _values(output: Output) -> str:
    if output.task == "binary":
        others = "all others" if output.negative is None else output.negative
        return f"positive: {output.positive}; negative: {others}"
    return ", ".join(str(value) for value in output.classes)
