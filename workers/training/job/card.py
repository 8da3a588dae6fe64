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
    """What the card is made of: `source` has the settings of the model, `fits` are the rows of stage `fit` that it
    consists of, `tables` those of stage `package` by column, `state` the digests that the run was planned with."""

    name: str
    source: TrainKeys
    steps: tuple[Any, ...]
    fits: Sequence[Mapping[str, Any]]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
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
        _table(
            ("split", "state", "records"),
            [(row["split"], row["state"], row["records"]) for row in facts.tables["records"]],
        ),
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
        _fits(facts.fits),
        *(_folds(row) for row in facts.tables.get("folds", ())),
        *_search(facts.tables.get("search", ())),
        "Figures on held-out records are of an evaluation (`job: evaluate`) and stand in its report, not here.",
        "## Limits and risks",
        _OPEN,
        "## Versions",
        ", ".join(f"{name} {version}" for name, version in sorted(facts.versions.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _fits(rows: Sequence[Mapping[str, Any]]) -> str:
    folds = [name for name in ("fold",) if any(row.get(name) for row in rows)]
    own = ("metric", "tuning", "best_epoch", "epochs", "ended")
    head = (*folds, "seed", "metric", "value", "best epoch", "epochs", "ended")
    return _table(head, [[_figure(row[name]) for name in (*folds, "seed", *own)] for row in rows])


def _folds(row: Mapping[str, Any]) -> str:
    return (
        f"Cross-validation over {row['folds']} folds of subjects, each held out once: {row['metric']} "
        f"{_figure(row['mean'])}, standard deviation {_figure(row['deviation'])}, from {_figure(row['lowest'])} to "
        f"{_figure(row['highest'])}. The fold that is held out also chooses the epoch, unless `fit.keep` is `last`; "
        "what is learned without truths (vocabulary, frequencies) is learned from all folds together."
    )


def _search(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    names = ("point", "settings", "metric", "mean", "deviation", "fits")
    cells = [[*(_figure(row[name]) for name in names), "yes" if row["chosen"] else ""] for row in rows]
    return [
        f"A search over {len(rows)} points. The best figure of many is too good by chance: that of the model is an "
        "evaluation's.",
        _table((*names, "chosen"), cells),
    ]


def _figure(value: Any) -> Any:
    return "not defined" if value is None else f"{value:.4f}" if isinstance(value, float) else value


def _values(output: Output) -> str:
    if output.task == "binary":
        others = "all others" if output.negative is None else output.negative
        return f"positive: {output.positive}; negative: {others}"
    return ", ".join(str(value) for value in output.classes)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
