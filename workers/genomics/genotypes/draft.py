"""A first look at genotypes, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings, open_store, split
from workers.drafts import Draft

_BUILD = "build is not said by the files: with it a score for another build is refused by name"


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """A .bed or .pgen file, with or without its ending, or the root of a genotype table."""
    remarks = [] if "build" in given else [_BUILD]
    if "format" in given:
        return Draft(remarks=remarks)
    for ending in ("bed", "pgen"):
        if uri.lower().endswith(f".{ending}") or _is_there(f"{uri}.{ending}", storage):
            return Draft({"format": ending}, remarks=remarks)
    return Draft({"format": "table"}, remarks=remarks)


def _is_there(uri: str, storage: StorageSettings) -> bool:
    if uri.rpartition("/")[2].startswith("."):
        return False
    folder, name = split(uri)
    return open_store(folder, storage).head(name) is not None
