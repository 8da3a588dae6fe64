"""Digests of the pixels of slices that lie where others do, so that copies can be told from contradictions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schemas.errors import RecordError
from schemas.status import Fault, Status
from workers.contract import Array
from workers.images.series.facts import SliceFacts
from workers.images.volumes.decoded import VolumeSource


class PixelDigests:
    """Callable as `workers.images.volumes.planning.grouping.Digests`: decodes, so that two ways of storing the same
    values are one."""

    def __init__(self, source: VolumeSource) -> None:
        self._source = source

    def __call__(self, row: Mapping[str, Any], facts: Sequence[SliceFacts]) -> list[SliceFacts]:
        """The slices of one object with digests; where they cannot be decoded, with the fault. Raises what storage
        raises."""
        try:
            slices = self._source.slices(row, [(one.frame, _corner(one)) for one in facts])
        except RecordError as error:
            return [replace(one, fault=Fault(Status(error.status), error.detail)) for one in facts]
        return [replace(one, digest=_digest(pixels)) for one, pixels in zip(facts, slices, strict=True)]

    def close(self) -> None:
        """Stop fetching and decoding."""
        self._source.close()


def _corner(facts: SliceFacts) -> list[int] | None:
    return None if facts.corner is None else [*facts.corner, facts.rows, facts.columns]


def _digest(pixels: Array) -> str:
    """Of the values, whatever the type that holds them: that of a slice depends on its own range alone."""
    wide = pixels.astype("<f8") if pixels.dtype.kind == "f" else pixels.astype("<i8")
    return hashlib.sha256(repr(pixels.shape).encode() + wide.tobytes()).hexdigest()
