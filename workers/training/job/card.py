"""What is known of a model that was trained here, for its card (`workers.models.card_page`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.canonical import canonical_json
from workers.labels.settings import label_values
from workers.models.card_page import DATA, PERFORMANCE, page, table
from workers.training.job.settings import Output, TrainKeys

_ELSEWHERE = "Figures on held-out records are of an evaluation (`job: evaluate`) and stand in its report, not here."


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
    source, state = facts.source, facts.state
    labels = "Labels: columns that the records carry."
    if source.has_spans:
        labels = "Labels: spans in a table of their own."
    if state.get("labels"):
        splits = canonical_json(source.splits.model_dump(mode="json"))
        also = f" {labels}" if source.has_spans else ""
        labels = f"Labels: sha256 `{state['labels']}`. Splits: `{splits}`.{also}"
    split = ("split", "state", "records")
    records = table(split, [[row[name] for name in split] for row in facts.tables["records"]])
    known = {
        "What it tells": table(
            ("output", "task", "truth", "values"),
            [(name, one.task, one.column or name, _values(one)) for name, one in source.outputs.items()],
        ),
        "Preparation": f"`{canonical_json(list(facts.steps))}`",
        "Network and fit": _network(facts),
        "Tuning": "\n\n".join(_tuning(facts)),
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


def _tuning(facts: Facts) -> Iterator[str]:
    yield _fits(facts.fits)
    yield from map(_folds, facts.tables.get("folds", ()))
    yield from _search(facts.tables.get("search", ()))


def _fits(rows: Sequence[Mapping[str, Any]]) -> str:
    folds = [name for name in ("fold",) if any(row.get(name) for row in rows)]
    own = ("metric", "tuning", "best_epoch", "epochs", "ended")
    head = (*folds, "seed", "metric", "value", "best epoch", "epochs", "ended")
    return table(head, [[_figure(row[name]) for name in (*folds, "seed", *own)] for row in rows])


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
        table((*names, "chosen"), cells),
    ]


def _figure(value: Any) -> Any:
    return "not defined" if value is None else f"{value:.4f}" if isinstance(value, float) else value


def _values(output: Output) -> str:
    if output.task == "binary":
        others = "all others" if output.negative is None else output.negative
        return f"positive: {output.positive}; negative: {others}"
    if output.task == "segmentation":
        named = (f"{name}: {', '.join(map(str, label_values(values)))}" for name, values in output.structures.items())
        return "; ".join(named)
    return ", ".join(str(value) for value in output.classes)
