"""From what was typed to a run directory: its uri or path, or the spec that it was made from."""

import argparse
from dataclasses import dataclass

from cluster.storage import StorageSettings, Store, open_store
from jobs.settings import output_store
from jobs.spec_source import is_spec, spec_from
from schemas.spec import Spec


@dataclass(frozen=True)
class Located:
    """The store of a run directory; `spec` if one was typed."""

    store: Store
    spec: Spec | None = None


def add_run(parser: argparse.ArgumentParser) -> None:
    """The argument that names a run."""
    parser.add_argument(
        "run", metavar="RUN", help="a run directory (s3://bucket/prefix or a path), or the spec (.yaml) that it is of"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The switch that makes stdout readable for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def locate(text: str) -> Located:
    """Open what `text` names; sends no request. Raises SpecError or UsageError.

    Without a spec the endpoint and region of the environment hold (AWS_ENDPOINT_URL, AWS_REGION).
    """
    if is_spec(text):
        spec = spec_from(text)
        return Located(output_store(spec), spec)
    return Located(open_store(text, StorageSettings()))
