"""`wardround demo [ACT]`: whole runs on a real S3 server on this machine."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.cli.arguments import add_json
from jobs.cli.summary import as_json, status_rows
from jobs.console import columns, say, show, show_json
from jobs.demo.stage_set import StageSet, kept, set_up
from jobs.progress import MODES
from jobs.reporting.amounts import duration
from jobs.running import Outcome
from jobs.signals import StopRequests
from jobs.watched import run
from schemas.spec import Spec

_FOLDER = "demo-output"

Scene = Callable[[StageSet, Callable[[str], None]], Spec]
"""Prepares one run of an act, and gives its spec."""

EXAMPLES = ("wardround demo", "wardround demo genomics --output /tmp/demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("act", nargs="?", choices=sorted(_ACTS), default="images", help="default: images")
    parser.add_argument("--output", default=_FOLDER, metavar="FOLDER", help=f"made anew each time (default {_FOLDER})")
    parser.add_argument("--progress", choices=MODES, default="auto")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """Run it and say how to look at the result."""
    folder = Path(arguments.output)
    with StopRequests().installed() as stop, set_up(folder) as stage:
        say(f"an S3 server listens at {stage.endpoint_url}")
        _ACTS[arguments.act](stage, lambda spec: run(spec, stop, arguments.progress), arguments.json)
    return 0


def _images(stage: StageSet, score: Callable[[Spec], Outcome], json: bool) -> None:
    from jobs.demo import digits, images  # noqa: PLC0415 - an act imports only what it needs

    outcome = score(images.fill(stage, say))
    scenes: Mapping[str, Scene] = {
        "networks trained": digits.train,
        "digits scored": digits.score,
        "evaluations": digits.evaluate,
    }
    outcomes = {title: score(scene(stage, say)) for title, scene in scenes.items()}
    copy = kept(stage, "results/text-in-pixels", "run")
    found = images.flagged(copy)
    figures = kept(stage, "results/digits-evaluation", "evaluation")
    model = kept(stage, "results/digits-training/model", "model")
    right, low, high = digits.accuracy(figures)
    if json:
        told = {title: as_json(one) for title, one in outcomes.items()}
        show_json({**as_json(outcome), "flagged": found, "copy": str(copy), **told, "accuracy": right})
        return
    rows = [*_rows(outcome), ("with text in their pixels", f"{found:,}")]
    rows += [row for title, one in outcomes.items() for row in _rows(one, title)]
    rows += [
        ("held-out digits read right", f"{right:.1%} ({low:.1%} to {high:.1%})"),
        ("the network lies at", str(model)),
    ]
    _show(rows, f"{copy} (a copy)", images.look_lines(copy))
    show(f"\nReports: {copy / 'report.html'}, {figures / 'report.html'}")


def _ehr(stage: StageSet, score: Callable[[Spec], Outcome], json: bool) -> None:
    from jobs.demo import ehr  # noqa: PLC0415 - an act imports only what it needs

    scenes: Mapping[str, Scene] = {
        "resources converted": ehr.simulate,
        "notes": ehr.prepare_notes,
        "visits": ehr.prepare_events,
    }
    outcomes = {title: score(scene(stage, say)) for title, scene in scenes.items()}
    copy = kept(stage, "results", "results")
    found = ehr.problems(copy)
    if json:
        show_json({**{title: as_json(outcome) for title, outcome in outcomes.items()}, "problems": found})
        return
    rows = [row for title, outcome in outcomes.items() for row in _rows(outcome, title)]
    rows += [(f"problems {name}", f"{count:,}") for name, count in found.items()]
    _show(rows, f"{copy} (a copy)", ehr.look_lines(copy))


def _genomics(stage: StageSet, score: Callable[[Spec], Outcome], json: bool) -> None:
    from jobs.demo import genomes  # noqa: PLC0415 - an act imports only what it needs

    scenes: Mapping[str, Scene] = {"records converted": genomes.simulate, "samples": genomes.prepare_scores}
    outcomes = {title: score(scene(stage, say)) for title, scene in scenes.items()}
    copy = kept(stage, "results", "results")
    found = genomes.compare(stage, copy)
    if json:
        show_json({**{title: as_json(outcome) for title, outcome in outcomes.items()}, "found": asdict(found)})
        return
    rows = [row for title, outcome in outcomes.items() for row in _rows(outcome, title)]
    rows += [(f"matched as planted: {case}", f"{right} of {all_}") for case, (all_, right) in found.cases.items()]
    rows += [
        ("correlation with the planted risk", f"{found.with_risk:.3f}"),
        ("  with the part that can be matched", f"{found.with_countable:.4f}"),
        ("ill", f"{found.ill:.0%}, in the top tenth of the score {found.ill_in_top:.0%}"),
        ("not scored, too little overlap", ", ".join(found.low_overlap)),
    ]
    _show(rows, f"{copy} (a copy)", genomes.look_lines(stage, copy))


_ACTS: Mapping[str, Callable[[StageSet, Callable[[Spec], Outcome], bool], None]] = {
    "images": _images,
    "ehr": _ehr,
    "genomics": _genomics,
}


def _rows(outcome: Outcome, title: str = "records") -> list[tuple[str, str]]:
    manifest = outcome.manifest
    busy = "not measured" if manifest.busy is None else f"{manifest.busy:.0%}"
    return [
        (title, f"{manifest.records:,}"),
        *status_rows(manifest.statuses),
        ("  busy", busy),
        ("  time", duration(outcome.seconds)),
        ("  lay at", f"{outcome.run_uri} (the server has stopped)"),
    ]


def _show(rows: Sequence[tuple[str, Any]], place: str, lines: Sequence[str]) -> None:
    show(columns([*rows, ("lies at", place)]))
    show("\nLook at it:")
    for line in lines:
        show(f"    {line}")
