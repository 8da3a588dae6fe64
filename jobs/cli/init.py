"""`wardround init images --input ... --model ...`: look at an input, and write a commented spec that runs."""

import argparse
import os
import re
import sys
from pathlib import Path

from cluster.storage import StorageSettings
from jobs.cli.arguments import add_json
from jobs.console import say, show, show_json
from jobs.drafting import Asked, drafts, parse_given, write_spec
from jobs.locations import is_local
from jobs.outlook import outlook
from jobs.spec_source import STDIN, spec_from
from schemas.errors import UsageError, WardroundError
from schemas.loading import nearest
from schemas.wording import counted

EXAMPLES = (
    "wardround init images --input s3://archive/cxr/ --model models/densenet --output results/cxr",
    "wardround init notes --input notes.csv --model models/clinicalbert",
    "wardround init sequences --input calls.vcf.gz --model models/splice --set reference=GRCh38.fa",
    "wardround init train-images --input pictures/ --labels labels.csv",
    "wardround init evaluate --input results/cxr --labels labels.csv",
    "wardround init fhir --input export/ --set timezone=Europe/Berlin",
)
_NAME = re.compile(r"[^A-Za-z0-9_]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", metavar="KIND", help=f"what to read, or the job: {', '.join(drafts())}")
    parser.add_argument("--input", required=True, metavar="PLACE", help="a file, a directory, or s3://bucket/prefix")
    parser.add_argument(
        "--model", action="append", default=[], metavar="DIRECTORY", help="a model directory; several times for several"
    )
    parser.add_argument("--labels", metavar="FILE", help="what is true: a table, for trainings and evaluations")
    parser.add_argument("--output", metavar="PLACE", help="where the run is to lie (default results/KIND)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a key of input:, such as build=GRCh38"
    )
    parser.add_argument("--to", metavar="FILE", help="the file to write (default KIND.yaml); - is standard output")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """0 if the spec that was written runs; else the exit code that a run would end with."""
    known = drafts()
    if arguments.kind not in known:
        hint = nearest(arguments.kind, known) or "."
        raise UsageError(f"{arguments.kind!r} cannot be read{hint} Known: {', '.join(known)}")
    asked = Asked(
        arguments.kind,
        _whole(arguments.input),
        _named([_whole(uri) for uri in arguments.model]),
        _whole(arguments.output or os.path.join("results", arguments.kind)),
        parse_given(arguments.set),
        _whole(arguments.labels or ""),
    )
    text = write_spec(asked, StorageSettings())
    place = arguments.to or f"{arguments.kind}.yaml"
    if place == STDIN:
        sys.stdout.write(text)
        return 0
    _write(Path(place), text)
    if not arguments.json:
        show(place)
    return _tried(place, arguments.json)


def _tried(place: str, json: bool) -> int:
    """Whether it runs, told from its plan: no model is loaded."""
    try:
        seen = outlook(spec_from(place), sample=0)
    except WardroundError as error:
        if json:
            show_json({"spec": place, "runs": False, "error": str(error)})
        say(f"{place} is written and does not run yet: {error}")
        return error.exit_code
    if json:
        show_json({"spec": place, "runs": True, "records": seen.records})
    say(f"it plans {counted(seen.records, 'record')}; wardround doctor {place} also scores a few")
    return 0


def _whole(place: str) -> str:
    """Absolute, where it is a path: the spec may lie elsewhere than where the command was given."""
    if not place:
        return ""
    return (
        os.path.abspath(os.path.expanduser(place)) + ("/" if place.endswith("/") else "") if is_local(place) else place
    )


def _named(models: list[str]) -> dict[str, str]:
    """Models by a name made of their directories'; later ones of the same name are numbered."""
    found: dict[str, str] = {}
    for uri in models:
        name = _NAME.sub("_", uri.rstrip("/").rpartition("/")[2]).strip("_") or "model"
        name = name if name[0].isalpha() else f"m_{name}"
        found[name if name not in found else f"{name}_{len(found) + 1}"] = uri
    return found


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{str(path)!r} is there already: remove it, or name another file with --to") from None
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}; name another file with --to") from None
