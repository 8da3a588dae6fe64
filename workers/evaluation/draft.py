"""A first look at a finished run, for the spec of an evaluation."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import Draft
from workers.finished_runs.run import open_run
from workers.labels.draft import Looked, look_at_labels

_SCORE = "score_"


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """An outcome for each score of the run. Raises UsageError where no run lies there, IncompleteError for one that is
    not complete."""
    run = open_run(uri, storage)
    asked = given.get("labels")
    looked = look_at_labels(asked["uri"], storage) if isinstance(asked, Mapping) and "uri" in asked else None
    carried = [*run.run.carry, *run.run.header_carry]
    scores = [column.name for column in run.run.columns if column.output and column.type in ("float32", "float64")]
    outcomes = {}
    for score in scores:
        name = score.removeprefix(_SCORE)
        truth = _truth(name, looked, carried, alone=len(scores) == 1)
        if truth is not None:
            said = looked.asked(truth) if looked is not None else {}
            outcomes[name] = {"score": score, "truth": truth} | {key: said[key] for key in ("positive",) if key in said}
    keys: dict[str, Any] = {"run": uri}
    if outcomes:
        keys["outcomes"] = outcomes
    if looked is not None and isinstance(asked, Mapping):
        keys["labels"] = {"key": looked.key, **asked}
        parts = looked.parts()
        if looked.split is not None and "held_out" in parts:
            keys |= {
                key: {looked.split: parts[part]}
                for key, part in (("tuning", "tuning"), ("test", "held_out"))
                if part in parts
            }
    remarks = [f"scores of the run: {', '.join(scores) or 'none'}; carried: {', '.join(carried) or 'nothing'}"]
    return Draft(keys, remarks=remarks)


def _truth(name: str, looked: Looked | None, carried: list[str], *, alone: bool) -> str | None:
    """The column with what is true of a score: by its name, else, of the only score, the likeliest of the labels."""
    if looked is None:
        return next((column for column in carried if column.lower() == name.lower()), None)
    return looked.truth(name) or (looked.truth() if alone else None)
