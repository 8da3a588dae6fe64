"""Digests of the pixels of slices that lie where others do, so that copies can be told from contradictions."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.images.fetching import Fetched, ObjectFetcher, Wanted
from workers.images.series.digests import with_digests
from workers.images.series.facts import SliceFacts
from workers.images.settings import ImagesInput
from workers.pipeline.reading import at_rows
from workers.reading.absent import fault_of

_BUFFER = 1 << 20


class PixelDigests:
    """Callable as `workers.images.volumes.planning.grouping.Digests`: reads whole objects, one after the other."""

    def __init__(self, fetcher: ObjectFetcher, source: ImagesInput) -> None:
        self._fetcher = fetcher
        self._source = source

    def __call__(self, row: Mapping[str, Any], place: int, facts: Sequence[SliceFacts]) -> list[SliceFacts]:
        """The slices of a planned object with digests; with the fault where they cannot be read. Raises
        InfrastructureError."""
        with at_rows(place):
            opened = self._fetcher.open(Wanted(row["uri"], etag=row["etag"]))
            if isinstance(opened, Fetched):
                return _faulty(facts, Fault(opened.status or Status.MISSING, opened.detail))
            try:
                with opened:
                    return with_digests(io.BufferedReader(opened, _BUFFER), self._source, facts)
            except (ObjectMissing, ObjectChanged) as error:
                fault = fault_of(error, "no object at its uri", "the object was changed while it was read")
                return _faulty(facts, fault)
            except RecordError as error:
                return _faulty(facts, Fault(error.status, error.detail))

    def close(self) -> None:
        """Stop fetching."""
        self._fetcher.close()


def _faulty(facts: Sequence[SliceFacts], fault: Fault) -> list[SliceFacts]:
    return [replace(one, fault=one.fault or fault) for one in facts]
