"""Which notes of FHIR do not count, since a newer version of the same resource does or it was deleted."""

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from workers.ehr.fhir.bundles import Record, identity_of
from workers.ehr.fhir.versions import SEEN, seen_row, superseded
from workers.ehr.notes.text_file import Span

LEFT_OUT = "left_out"
"""The column of a plan that says why a note does not count; there where one does not."""


class At(NamedTuple):
    """The number of a file, and of a span in it."""

    file: int
    span: int


def notes_left_out(spans: Callable[[], Iterator[tuple[At, Span]]], kinds: Collection[str]) -> Mapping[At, str]:
    """Why, for each note of one of these kinds that does not count. All spans are asked for once, and once more where
    an id comes twice: eight bytes are held of each.

    Several records of one id without a time, a version or a deletion to tell them apart are none of these: they may be
    different documents.
    """
    ids = array("q", (hash(key) for key, _, _ in _known(spans(), kinds)))
    found, counts = np.unique(np.frombuffer(ids, np.int64), return_counts=True)
    twice = set(found[counts > 1].tolist())
    if not twice:
        return {}
    rows = [seen_row(record, key, at.file) for key, at, record in _known(spans(), kinds) if hash(key) in twice]
    seen = pl.DataFrame(rows, schema=SEEN, orient="row")
    told = pl.col("updated").is_not_null() | pl.col("version").is_not_null()
    apart = (told | pl.col("is_deleted")).all() | pl.col("is_deleted").any()
    losing = superseded(seen.filter(apart.over("subject")))
    return {At(row["file"], row["position"]): row["reason"] for row in losing.iter_rows(named=True)}


def _known(spans: Iterator[tuple[At, Span]], kinds: Collection[str]) -> Iterator[tuple[str, At, Record]]:
    for at, span in spans:
        if span.deletion is not None:
            record = Record(at.span, 0, deleted=span.deletion.key, updated=span.deletion.updated)
        else:
            row = span.row or {}
            kind = row.get("resourceType")
            record = Record(at.span, 0, row, kind if isinstance(kind, str) else None)
        key = identity_of(record)
        if key is not None and key.partition("/")[0] in kinds:
            yield key, at, record
