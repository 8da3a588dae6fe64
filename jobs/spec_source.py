"""A spec from wherever it is: a file, an object on storage, a mapping."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.storage import ObjectMissing, StorageSettings, Store, open_store
from jobs.settings import output_store
from schemas.errors import SpecError
from schemas.loading import validate
from schemas.spec import Spec, load_spec, parse_spec

SPECS = (".yaml", ".yml")
"""What a spec's name ends with."""

SpecSource = str | os.PathLike[str] | Mapping[str, Any] | Spec
"""A path or uri of a YAML file, or what such a file says. Relative paths in it are from the working directory."""


def spec_from(source: SpecSource) -> Spec:
    """The checked spec. Raises SpecError with what to fix, InfrastructureError where storage does not answer."""
    if isinstance(source, Spec):
        return source
    if isinstance(source, Mapping):
        return validate(Spec, source)
    text = os.fspath(source)
    return _stored(text) if "://" in text else load_spec(Path(text))


def run_store(source: SpecSource) -> Store:
    """The run directory that is meant by its own path or uri, or by the spec that it is of. Sends no request for it.

    Without a spec the endpoint and region of the environment hold (AWS_ENDPOINT_URL, AWS_REGION).
    """
    if isinstance(source, Spec | Mapping) or os.fspath(source).endswith(SPECS):
        return output_store(spec_from(source))
    return open_store(os.fspath(source), StorageSettings())


def _stored(uri: str) -> Spec:
    folder, _, name = uri.rpartition("/")
    try:
        body = open_store(folder, StorageSettings()).get(name)
    except ObjectMissing:
        raise SpecError(f"cannot read the spec {uri!r}: no such object") from None
    try:
        return parse_spec(body.decode("utf-8"), uri)
    except UnicodeDecodeError:
        raise SpecError(f"the spec {uri!r} is not UTF-8 text") from None
