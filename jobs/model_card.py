"""A model card, filled with what the directory says of itself; the rest is the author's, and stands as a blank."""

import json
from collections.abc import Iterator

from cluster.storage import StorageSettings, open_store
from jobs.model_directory import ModelDirectory
from schemas.errors import UsageError
from workers.models.card_page import CARD, page, table


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
    card = model.card
    outputs = [(f"`{output.name}`", output.type, output.meaning) for output in card.outputs]
    steps = (f"{number}. `{json.dumps(step)}`" for number, step in enumerate(card.prepare, 1))
    known = {
        "What it writes": table(("column", "type", "meaning"), outputs),
        "How its input is prepared": "\n".join(steps),
        "Calibration": "\n".join(_calibration(model)),
    }
    return page(model.uri.rstrip("/").rpartition("/")[2], table(("", ""), list(_facts(model))), known).rstrip("\n")


def _facts(model: ModelDirectory) -> Iterator[tuple[str, str]]:
    settings, weights, values = model.card.settings, model.weights, model.card.value_range
    yield "format", f"{model.kind} ({', '.join(model.collections)})"
    if "network" in settings:
        yield "network", str(settings["network"])
    if weights is not None:
        yield "parameters", f"{weights.numbers:,} in {weights.tensors:,} tensors"
    if values is not None:
        yield "values of its input", f"{values[0]:g} to {values[1]:g}"
    yield "sha256 without this card", model.fetched.digest


def _calibration(model: ModelDirectory) -> Iterator[str]:
    if model.calibration is None:
        yield "None: scores are as the network gives them."
        return
    for output, one in model.calibration.outputs.items():
        by = f", {len(one.values)} values of {one.by} on their own" if one.by else ""
        yield f"- `{output}`: {one.map.method}, fitted on {one.rows:,} rows, {one.positives:,} positive{by}"
    for together in model.calibration.classes:
        named = ", ".join(f"`{output}`" for output in together.outputs)
        yield f"- {named} together: {together.map.method}, fitted on {together.rows:,} rows"
