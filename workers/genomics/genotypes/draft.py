"""A first look at genotypes, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import Draft
from workers.genomics.files.filesets import ENDINGS, objects_of

_BUILD = "build is not said by the files: with it a score for another build is refused by name"


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """A .bed, .pgen or .bgen file, with or without its ending, or several; or the root of a genotype table."""
    remarks = [] if "build" in given else [_BUILD]
    if "format" in given:
        return Draft(remarks=remarks)
    for format in ENDINGS:
        if uri.lower().endswith(f".{format}") or any(objects_of(format, uri, storage)):
            return Draft({"format": format}, remarks=remarks)
    return Draft({"format": "table"}, remarks=remarks)
