"""Get what stands on the reference around planned variants."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cluster.storage import ObjectChanged, ObjectMissing
from schemas.errors import RecordError, SpecError
from schemas.status import Fault, Status
from workers.genomics.sequences.fasta import Range, Reference
from workers.genomics.sequences.regions import Region, agrees
from workers.genomics.sequences.windows import Bases
from workers.reading.absent import fault_of

COLUMNS = ("chrom", "pos", "ref", "alt", "fault", "fault_detail", "reference_etag")
"""What is needed of a planned row."""

_ABSENT = "the reference or its index is not there any more"
_NO_CONTIG = Fault(Status.REF_MISMATCH, "the reference has no contig of this name")
_BEHIND = Fault(Status.REF_MISMATCH, "the position lies outside of its contig")
_OTHER = Fault(Status.REF_MISMATCH, "REF is not what the reference has there")


class _Wanted(NamedTuple):
    contig: str
    pos: int
    ref: Bases
    alt: Bases


class VariantFetcher:
    """Regions of variants that reach `left` bases before the first of REF, and `right` from it on. For one thread."""

    def __init__(self, open_reference: Callable[[str], Reference], left: int, right: int) -> None:
        self._open = open_reference
        self._left = left
        self._right = right
        self._reference: Reference | None = None

    def fetch(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        """One a row, in order. Raises InfrastructureError where storage keeps failing."""
        found: list[Region | Fault | None] = [_planned_fault(row) for row in rows]
        good = [i for i, fault in enumerate(found) if fault is None]
        if good:
            try:
                regions = self._regions([rows[i] for i in good])
            except SpecError:
                # It was there, with its index, when the run was planned.
                regions = [Fault(Status.MISSING, _ABSENT)] * len(good)
            except (ObjectMissing, ObjectChanged) as error:
                fault = fault_of(error, _ABSENT, "the reference was changed after the run was planned")
                regions = [fault] * len(good)
            for i, region in zip(good, regions, strict=True):
                found[i] = region
        return [item for item in found if item is not None]

    def close(self) -> None:
        """Let go of the file; the next fetch opens it anew."""
        self._reference = None

    def _regions(self, rows: Sequence[Mapping[str, Any]]) -> list[Region | Fault]:
        if self._reference is None:
            self._reference = self._open(rows[0]["reference_etag"])
        reference = self._reference
        placed = [_place(row, reference) for row in rows]
        ranges: dict[str, dict[Range, Bases | Fault]] = {}
        for item in placed:
            if isinstance(item, _Wanted):
                ranges.setdefault(item.contig, {})[self._range(item)] = Fault(Status.UNREADABLE, "")
        for contig, wanted in ranges.items():
            self._fill(reference, contig, wanted)
        return [self._region(item, ranges, reference) if isinstance(item, _Wanted) else item for item in placed]

    def _fill(self, reference: Reference, contig: str, wanted: dict[Range, Bases | Fault]) -> None:
        try:
            wanted.update(zip(list(wanted), reference.fetch(contig, list(wanted)), strict=True))
        except RecordError as error:
            wanted.update(dict.fromkeys(wanted, Fault(Status(error.status), error.detail)))

    def _range(self, item: _Wanted) -> Range:
        return item.pos - self._left, item.pos + self._right + len(item.ref) - 1

    def _region(
        self, item: _Wanted, ranges: Mapping[str, Mapping[Range, Bases | Fault]], reference: Reference
    ) -> Region | Fault:
        bases = ranges[item.contig][self._range(item)]
        if isinstance(bases, tuple):
            return bases
        if not agrees(item.ref, bases[self._left : self._left + len(item.ref)]):
            return _OTHER
        length = reference.contigs[item.contig].length
        return Region(bases, item.contig, length, item.pos - self._left, item.pos, len(item.ref), item.alt)


def _planned_fault(row: Mapping[str, Any]) -> Fault | None:
    return None if row["fault"] is None else Fault(Status(row["fault"]), row["fault_detail"])


def _place(row: Mapping[str, Any], reference: Reference) -> _Wanted | Fault:
    contig = reference.name_of(row["chrom"])
    if contig is None:
        return _NO_CONTIG
    pos, ref = row["pos"] - 1, row["ref"]
    if pos < 0 or pos + len(ref) > reference.contigs[contig].length:
        return _BEHIND
    return _Wanted(contig, pos, _bases(ref), _bases(row["alt"]))


def _bases(text: str) -> Bases:
    return np.frombuffer(text.upper().encode(), np.uint8)
