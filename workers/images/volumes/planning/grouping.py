"""Objects of one shard to volumes: series by `workers.images.series`, files that are a volume each by themselves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol

import numpy as np

from schemas.status import Fault, Status
from workers.images.series.facts import PlacedSlice, SeriesVolume, SliceFacts
from workers.images.series.geometry import axis_codes
from workers.images.series.plan_volumes import keys_to_compare, plan_volumes
from workers.images.series.select_volumes import select_volumes
from workers.images.series.selection_settings import Selection
from workers.images.volumes.planning.columns import TOGETHER
from workers.images.volumes.planning.texts import facts_of

Row = Mapping[str, Any]


class Digests(Protocol):
    """Reads the pixels of slices that lie where others do."""

    def __call__(self, row: Row, place: int, facts: Sequence[SliceFacts]) -> list[SliceFacts]:
        """The slices of the planned object at `place` of its shard, with digests of their pixels, or with the fault
        that keeps them from being read."""

    def close(self) -> None:
        """Stop what reads."""


@dataclass
class Grouped:
    """What became of one object."""

    slices: list[tuple[str, PlacedSlice]] = field(default_factory=list)
    """Its slices, each with the id of its volume."""
    volumes: list[SeriesVolume] = field(default_factory=list)
    """Volumes that it is the first object of."""
    fault: Fault | None = None
    detail: str = ""


def grouped(rows: Sequence[Row], digests: Digests, selection: Selection | None = None) -> list[Grouped]:
    """One for each planned object, in order. Each is in a volume, or has a fault that says why it is in none."""
    found = [_alone(row) for row in rows]
    series: defaultdict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row["facts"] is not None:
            series[row[TOGETHER.name]].append(place)
    for places in series.values():
        facts = _facts({place: rows[place] for place in places}, digests)
        volumes = plan_volumes(facts)
        if selection is not None:
            volumes = select_volumes(volumes, facts, selection)
        _enter_all(volumes, {rows[place]["record_id"]: found[place] for place in places})
    return found


def _facts(rows: Mapping[int, Row], digests: Digests) -> list[SliceFacts]:
    """The slices of these objects, with digests where nothing else tells them apart."""
    facts = {place: facts_of(row["facts"], row["record_id"]) for place, row in rows.items()}
    wanted = keys_to_compare(chain.from_iterable(facts.values()))
    for place, row in rows.items():
        if row["record_id"] in wanted:
            facts[place] = digests(row, place, facts[place])
    return list(chain.from_iterable(facts.values()))


def _alone(row: Row) -> Grouped:
    """An object as far as it depends on no other."""
    if row["header_status"] != Status.OK:
        return Grouped(fault=Fault(Status(row["header_status"]), row["header_detail"] or ""))
    if row["affine"] is None:
        return Grouped()
    affine = np.reshape(row["affine"], (4, 4))
    i, j, k = (float(side) for side in np.linalg.norm(affine[:3, :3], axis=0))
    slices = (PlacedSlice(row["record_id"], 0, 0, 0.0),)
    volume = SeriesVolume(
        row["record_id"],
        slices,
        shape=tuple(row["shape"]),
        affine=tuple(map(tuple, affine.tolist())),
        spacing=(i, j, k),
        orientation=axis_codes(affine),
        decoded_bytes=row["stored_bytes"],
        detail=row["remark"] or "",
    )
    return Grouped([(volume.volume_id, slices[0])], [volume])


def _enter_all(volumes: Sequence[SeriesVolume], found: Mapping[str, Grouped]) -> None:
    for volume in volumes:
        _enter(_named(volume), found)
    for one in found.values():
        if not one.slices and not one.detail and one.fault is None:
            one.fault = Fault(Status.NOT_A_VOLUME, "it is no slice of any volume")


def _named(volume: SeriesVolume) -> SeriesVolume:
    """An object without a series may have the UID of another, but not its key."""
    if volume.series_uid is not None:
        return volume
    _, sign, rest = volume.volume_id.partition("#")
    return replace(volume, volume_id=f"{volume.slices[0].key}{sign}{rest}")


def _enter(volume: SeriesVolume, found: Mapping[str, Grouped]) -> None:
    """Write down at its objects what they are of this volume."""
    for place in volume.slices:
        one = found[place.key]
        one.slices.append((volume.volume_id, place))
        if volume.status not in (None, Status.NOT_SELECTED):
            one.fault = one.fault or Fault(Status(volume.status), volume.detail)
    for key in volume.duplicates:
        found[key].detail = "it repeats a slice of the volume, with the same pixels"
    keys = {place.key for place in volume.slices}
    home = next(key for key in found if key in keys)
    found[home].volumes.append(volume)
