"""`wardround submit SPEC --address URL`: run a spec on a Ray cluster as a Ray job, and follow it."""

import argparse
import json
import re
import sys
from functools import partial

from cluster.storage import parse
from cluster.submit import SubmitSettings, submit
from jobs.cli.arguments import add_json
from jobs.console import columns, show, show_json
from jobs.locations import local_paths, refuse_elsewhere
from jobs.registry import kind_of
from jobs.spec_source import spec_from
from schemas.canonical import digest
from schemas.errors import UsageError
from schemas.spec import Spec

_NAME = 40

EXAMPLES = ("wardround submit cxr.yaml --address https://ray.example.org:8265",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "spec",
        metavar="SPEC",
        help="the YAML file of the run (a path, a uri, or - for standard input); it alone travels to the cluster",
    )
    parser.add_argument("--address", required=True, metavar="URL", help="http(s) address of the dashboard")
    parser.add_argument("--ca-file", metavar="FILE", help="certificate to check it against, if not one of the system's")
    add_json(parser)


def call(arguments: argparse.Namespace) -> int:
    """The exit code of the run; 130 if only following it was interrupted: the job goes on."""
    spec = spec_from(arguments.spec)
    _check(spec)
    settings = SubmitSettings(address=arguments.address, ca_file=arguments.ca_file)
    # It travels without the folder that its paths were from.
    body = json.dumps(spec.model_dump(mode="json", exclude_unset=True), indent=1).encode()
    bound = local_paths(spec) and not spec.compute.shared_paths
    elsewhere = partial(refuse_elsewhere, spec) if bound else None
    done = submit(body, run_name(spec), settings, _log, elsewhere=elsewhere)
    if arguments.json:
        show_json({"submission_id": done.submission_id, "exit_code": done.exit_code})
    else:
        show(columns([("submitted as", done.submission_id), ("exit code", str(done.exit_code))]))
    return done.exit_code


def run_name(spec: Spec) -> str:
    """The same for the same output: a job that is still going is followed, not doubled."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", spec.name).strip("-")[:_NAME]
    return f"{name}-{digest(str(parse(spec.output.uri)))[:10]}"


def _check(spec: Spec) -> None:
    kind_of(spec)
    if spec.compute.pool != "ray":
        raise UsageError("compute.pool is serial: a spec to submit runs on Ray. Remove the key")


def _log(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
