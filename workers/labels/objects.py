"""A folder of labels, an object each, as the table that any other labels are: ids, and where their objects lie."""

import hashlib
import re

import polars as pl

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from workers.labels.settings import Labels

URI = "uri"
"""Its column with the uri of each object."""
_ENDING = r"\.[A-Za-z][A-Za-z0-9]*(\.gz)?$"
"""A series' id ends with a dot and digits, which are no ending."""


def read_objects(labels: Labels, storage: StorageSettings) -> tuple[pl.DataFrame, str]:
    """A row an object that is called as `labels.pattern` says, and the sha256 of the list of all.

    Raises SpecError where there is none.
    """
    store, named = open_store(labels.uri, storage), _compiled(labels.pattern)
    keys, uris, digest, others = [], [], hashlib.sha256(), 0
    for info in sorted(store.list(""), key=lambda info: info.key):
        found = named.fullmatch(info.key)
        if found is None:
            others += 1
            continue
        digest.update(f"{info.key}\t{info.size}\n".encode())
        keys.append(found["id"])
        uris.append(f"{store.uri.rstrip('/')}/{info.key}")
    if not keys:
        there = f"none of its {others:,} objects" if others else "nothing there"
        raise SpecError(f"input.labels: {labels.uri}: {there} is called as labels.pattern says: correct one of them")
    return pl.DataFrame({labels.key: keys, URI: uris}), digest.hexdigest()


def joined_by(labels: Labels, ids: pl.Expr) -> pl.Expr:
    """What `ids` of records are called in the table: without their ending, where the pattern has them without it."""
    return ids.str.replace(_ENDING, "") if "{stem}" in labels.pattern else ids


def _compiled(pattern: str) -> re.Pattern[str]:
    before, placeholder, after = re.split(r"(\{id\}|\{stem\})", pattern)
    ids = ".+" if placeholder == "{id}" else ".+?"
    return re.compile(f"{re.escape(before)}(?P<id>{ids}){re.escape(after)}", re.DOTALL)
