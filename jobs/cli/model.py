"""`wardround model inspect | verify | card | export DIR`: a model directory on its own."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jobs.cli.arguments import add_json, examples
from jobs.console import columns, say, show, show_json
from jobs.model_card import card_text, write_card
from jobs.model_directory import SUMS, ModelDirectory, open_directory, verify_directory
from jobs.model_export import export_onnx
from jobs.reporting.amounts import size
from workers.models.card_page import CARD

EXAMPLES = (
    "wardround model inspect s3://models/cxr/",
    "wardround model verify models/cxr",
    "wardround model card models/cxr --write",
    "wardround model export models/cxr --to cxr-onnx/model.onnx",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (act, text, example) in _ACTIONS.items():
        sub = actions.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=examples([example]),
        )
        sub.add_argument("directory", metavar="DIR", help="a model directory: a path, or s3://bucket/prefix")
        sub.add_argument("--collection", help="which collection it is for, where several take it")
        sub.set_defaults(act=act)
        if name == "card":
            sub.add_argument("--write", action="store_true", help=f"put the draft into DIR as {CARD}; none is replaced")
        elif name == "export":
            sub.add_argument("--to", required=True, metavar="FILE.onnx", help="a file that is not there yet")
        else:
            add_json(sub)


def call(arguments: argparse.Namespace) -> int:
    """0 if it is done; 2 for no model or a wrong one, 3 for one that could run code, 5 for one that is not verified."""
    act: Callable[[ModelDirectory, argparse.Namespace], None] = arguments.act
    act(open_directory(arguments.directory, arguments.collection), arguments)
    return 0


def _inspect(model: ModelDirectory, arguments: argparse.Namespace) -> None:
    if arguments.json:
        show_json(_facts(model))
        return
    show(columns(_about(model)))
    show("")
    show(columns([("column", "type", "meaning"), *((one.name, one.type, one.meaning) for one in model.card.outputs)]))


def _about(model: ModelDirectory) -> Iterator[tuple[str, str]]:
    card, weights = model.card, model.weights
    yield "model", model.uri
    yield "format", f"{model.kind}, for {', '.join(model.collections)}"
    if "network" in card.settings:
        yield "network", str(card.settings["network"])
    if weights is not None:
        yield "parameters", f"{weights.numbers:,} in {weights.tensors:,} tensors, {size(weights.nbytes)}"
    yield "files", f"{len(model.fetched.files)}, sha256 {model.fetched.digest}"
    for number, step in enumerate(card.prepare):
        yield "" if number else "prepare", json.dumps(step)
    if card.value_range is not None:
        yield "values", f"{card.value_range[0]:g} to {card.value_range[1]:g}"
    yield "calibration", ", ".join(_calibrated(model)) or "none"
    papers = [name for name in (CARD, SUMS) if name in model.fetched.files]
    yield "papers", ", ".join(papers) or "none"


def _calibrated(model: ModelDirectory) -> Iterator[str]:
    for output, one in ({} if model.calibration is None else model.calibration.outputs).items():
        yield f"{output} by {one.map.method}" + (f", of each {one.by}" if one.by else "")


def _facts(model: ModelDirectory) -> dict[str, Any]:
    weights = model.weights
    return {
        "model": model.uri,
        "format": model.kind,
        "collections": list(model.collections),
        "network": model.card.settings.get("network"),
        "parameters": None if weights is None else weights.numbers,
        "sha256": model.fetched.digest,
        "files": dict(model.fetched.files),
        "outputs": [one.model_dump(mode="json") for one in model.card.outputs],
        "prepare": list(model.card.prepare),
        "value_range": model.card.value_range,
        "calibration": None if model.calibration is None else model.calibration.model_dump(mode="json"),
    }


def _verify(model: ModelDirectory, arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    found = verify_directory(model)
    scored = None if found.scored is None else {name: _plain(value) for name, value in found.scored.items()}
    if arguments.json:
        facts = {"model": model.uri, "verified": True, "sha256": model.fetched.digest, "sums": found.sums}
        show_json({**facts, "unlisted": list(found.unlisted), "scored": scored, "note": found.why or None})
        return
    sums = f"no {SUMS}: nothing vouches for the files" if found.sums is None else f"{found.sums} as {SUMS} says"
    values = [] if scored is None else [(name, json.dumps(value)[:60]) for name, value in scored.items()]
    rows = [("verified", model.uri), ("sha256", model.fetched.digest), ("files", sums)]
    rows += [("", f"not listed: {', '.join(found.unlisted)}")] if found.unlisted else []
    rows += [("model", found.why or f"loaded, scored a made record in {time.perf_counter() - began:.1f} s"), *values]
    show(columns(rows))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value.tolist() if hasattr(value, "tolist") else value


def _card(model: ModelDirectory, arguments: argparse.Namespace) -> None:
    if not arguments.write:
        show(card_text(model))
        return
    show(write_card(model))
    say("it is a file of the model: the digest is another now; fill in what is not stated")


def _export(model: ModelDirectory, arguments: argparse.Namespace) -> None:
    for path in export_onnx(model, Path(arguments.to)):
        show(str(path))


_ACTIONS: dict[str, tuple[Callable[[ModelDirectory, argparse.Namespace], None], str, str]] = {
    "inspect": (_inspect, "what a model directory holds", EXAMPLES[0]),
    "verify": (_verify, "hold its files against SHA256SUMS, load it, score a made record", EXAMPLES[1]),
    "card": (_card, "its model card, or a draft filled with what is known", EXAMPLES[2]),
    "export": (_export, "its network as an ONNX file, with the wardround.json that scores with it", EXAMPLES[3]),
}
