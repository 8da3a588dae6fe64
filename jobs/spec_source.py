"""A spec from wherever it is: a file, an object on storage, a mapping."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.storage import ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store, split
from jobs.locations import located
from jobs.settings import output_store
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Spec, load_spec, parse_spec, spec_text
from schemas.yaml_text import MOST_BYTES

SPECS = (".yaml", ".yml", ".json")
"""What a spec's name ends with."""

SpecSource = str | os.PathLike[str] | Mapping[str, Any] | Spec
"""A path or uri of a YAML file, `-` for standard input, or what such a file says.

Relative paths in a file are from the folder that it lies in; in anything else from the working directory.
"""

STDIN = "-"


def spec_from(source: SpecSource) -> Spec:
    """The checked spec, its paths absolute.

    Raises SpecError with what to fix, InfrastructureError where storage does not answer.
    """
    if isinstance(source, Spec):
        return located(source, os.getcwd())
    if isinstance(source, Mapping):
        return located(validate(Spec, source), os.getcwd())
    text = os.fspath(source)
    if text == STDIN:
        return located(_typed(), os.getcwd())
    if "://" in text:
        return located(_stored(text), text.rpartition("/")[0])
    return located(load_spec(Path(text)), os.path.dirname(os.path.abspath(text)))


def is_spec(text: str) -> bool:
    """Whether what was typed names a spec rather than a run directory."""
    return text == STDIN or text.endswith(SPECS)


def _typed() -> Spec:
    return parse_spec(spec_text(sys.stdin.buffer.read(MOST_BYTES + 1), "on standard input"), "standard input")


def run_store(source: SpecSource) -> Store:
    """The run directory that is meant by its own path or uri, or by the spec that it is of. Sends no request for it.

    Without a spec the endpoint and region of the environment hold (AWS_ENDPOINT_URL, AWS_REGION).
    """
    if isinstance(source, Spec | Mapping) or is_spec(os.fspath(source)):
        return output_store(spec_from(source))
    return open_store(os.fspath(source), StorageSettings())


def _stored(uri: str) -> Spec:
    folder, name = split(uri)
    try:
        body = open_store(folder, StorageSettings()).get(name, max_bytes=MOST_BYTES)
    except ObjectMissing:
        raise SpecError(f"cannot read the spec {uri!r}: no such object") from None
    except ObjectTooLarge as error:
        raise SpecError(f"the spec {uri!r}: {error}") from None
    return parse_spec(spec_text(body, repr(uri)), uri)
