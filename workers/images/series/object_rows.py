"""What became of each object of a collection of series: one row an object, whatever it holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.status import Fault, Status
from workers.images.series.facts import SeriesVolume, SliceFacts

_COPY = "the same slice as another object of its volume, which was taken"


@dataclass(frozen=True)
class ObjectRow:
    """`status` is `ok` for an object that is part of a volume that can be read.

    `index` is its slice's along k; None where it holds several slices, is a copy, or is in no volume. An object whose
    frames are of several volumes has the first of them, and `detail` says how many.
    """

    key: str
    volume_id: str | None
    index: int | None
    status: Status
    detail: str = ""


def object_rows(
    volumes: Iterable[SeriesVolume], facts: Iterable[SliceFacts], faults: Mapping[str, Fault]
) -> list[ObjectRow]:
    """A row for each object, in the order of keys: those of `facts`, and those of `faults`, whose headers said nothing.

    `volumes` are what `plan_volumes` made of the same facts, after `select_volumes` where there are rules.
    """
    own = {**_own_faults(facts), **faults}
    places: defaultdict[str, list[ObjectRow]] = defaultdict(list)
    for volume in volumes:
        status, detail = Status(volume.status or Status.OK), volume.detail
        for placed in volume.slices:
            places[placed.key].append(ObjectRow(placed.key, volume.volume_id, placed.index, status, detail))
        for key in volume.duplicates:
            places[key].append(ObjectRow(key, volume.volume_id, None, status, detail or _COPY))
    keys = sorted({*places, *own})
    return [_row(key, places[key], own.get(key)) for key in keys]


def _own_faults(facts: Iterable[SliceFacts]) -> dict[str, Fault]:
    return {slice_.key: slice_.fault for slice_ in facts if slice_.fault is not None}


def _row(key: str, places: list[ObjectRow], fault: Fault | None) -> ObjectRow:
    if not places:
        assert fault is not None
        return ObjectRow(key, None, None, fault.status, fault.detail)
    first = next((place for place in places if place.status is Status.OK), places[0])
    index = first.index if len(places) == 1 else None
    if fault is not None:
        return ObjectRow(key, first.volume_id, index, fault.status, fault.detail)
    several = len({place.volume_id for place in places})
    detail = f"its frames are of {several} volumes" if several > 1 and not first.detail else first.detail
    return ObjectRow(key, first.volume_id, index, first.status, detail)
