"""A model card, filled with what the directory says of itself; the rest is the author's, and stands as a blank."""

import json
from collections.abc import Iterator

from cluster.storage import StorageSettings, open_store
from jobs.model_directory import CARD, ModelDirectory
from schemas.errors import UsageError

BLANK = "_not stated_"
_AUTHOR = (
    ("Intended use", "who uses it, on whom, for which decision; what it must not be used for"),
    ("Training data", "source, dates, sites, devices; how labels were made, and by whom"),
    ("Performance", "figures with intervals on data that it has not seen, by subgroup (`job: evaluate`)"),
    ("Limitations", "where it is known to fail; inequalities"),
    ("Contact and licence", "who answers for it, under which terms"),
)


def card_text(model: ModelDirectory) -> str:
    """The card that lies in the directory; where none does, a draft."""
    if CARD in model.fetched.files:
        return (model.fetched.path / CARD).read_text(encoding="utf-8", errors="replace").rstrip("\n")
    return draft(model)


def write_card(model: ModelDirectory, storage: StorageSettings | None = None) -> str:
    """Put the draft into the directory; returns where. Raises UsageError where a card lies there: none is replaced."""
    place = f"{model.uri.rstrip('/')}/{CARD}"
    taken = UsageError(f"{place} is there already: edit it, or move it away for a draft")
    if CARD in model.fetched.files:
        raise taken
    if not open_store(model.uri, storage).put_if_absent(CARD, (draft(model) + "\n").encode(), {}):
        raise taken
    return place


def draft(model: ModelDirectory) -> str:
    """Markdown: tables of what is known, and a heading for each thing that only its author knows."""
    return "\n".join(_lines(model))


def _lines(model: ModelDirectory) -> Iterator[str]:
    card, settings = model.card, model.card.settings
    yield f"# {model.uri.rstrip('/').rpartition('/')[2]}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| format | {model.kind} ({', '.join(model.collections)}) |"
    if "network" in settings:
        yield f"| network | {settings['network']} |"
    weights = model.weights
    if weights is not None:
        yield f"| parameters | {weights.numbers:,} in {weights.tensors:,} tensors |"
    if card.value_range is not None:
        yield f"| values of its input | {card.value_range[0]:g} to {card.value_range[1]:g} |"
    yield f"| sha256 without this card | {model.fetched.digest} |"
    yield ""
    yield "## What it writes"
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for output in card.outputs:
        yield f"| `{output.name}` | {output.type} | {output.meaning} |"
    yield ""
    yield "## How its input is prepared"
    yield ""
    yield from (f"{number}. `{json.dumps(step)}`" for number, step in enumerate(card.prepare, 1))
    if not card.prepare:
        yield BLANK
    yield ""
    yield "## Calibration"
    yield ""
    yield from _calibration(model)
    for title, asks in _AUTHOR:
        yield from ("", f"## {title}", "", f"<!-- {asks} -->", BLANK)


def _calibration(model: ModelDirectory) -> Iterator[str]:
    if model.calibration is None:
        yield "None: scores are as the network gives them."
        return
    for output, one in model.calibration.outputs.items():
        by = f", {len(one.values)} values of {one.by} on their own" if one.by else ""
        yield f"- `{output}`: {one.map.method}, fitted on {one.rows:,} rows, {one.positives:,} positive{by}"
