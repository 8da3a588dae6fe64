"""Every network, model format and collection, by the name that specs and model directories use.

The tables are literal, so that what exists can be read here; a module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from schemas.errors import MissingExtraError, SpecError
from schemas.loading import nearest

NETWORKS: dict[str, str] = {
    "densenet": "workers.networks.densenet",
    "resnet": "workers.networks.resnet",
    "smallcnn": "workers.networks.smallcnn",
}

FORMATS: dict[str, str] = {
    "native": "workers.formats.native",
    "text-detector": "workers.formats.text_detector",
    "onnx": "workers.formats.onnx",
    "huggingface": "workers.formats.huggingface",
}

COLLECTIONS: dict[str, str] = {
    "images": "workers.images",
}

_OWN = {"schemas", "cluster", "workers", "jobs"}


def resolve(table: Mapping[str, str], name: str, kind: str, extra: str = "images") -> ModuleType:
    """The module behind `name`. `kind` is what error messages call it.

    Raises SpecError for an unknown name and MissingExtraError where it needs a package of `extra` that is not there.
    """
    if name not in table:
        raise SpecError(f"{kind} {name!r} is unknown{nearest(name, table) or '.'} Known: {', '.join(sorted(table))}")
    try:
        return importlib.import_module(table[name])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in _OWN:
            raise
        raise MissingExtraError(missing, extra) from error
