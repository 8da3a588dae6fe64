"""What of an archive is tried before a run: whole series, though which objects are one is not known yet."""

import random
from collections.abc import Iterator, Sequence

from schemas.plan import spread
from workers.collection import PREDICT, TrialPart
from workers.finished_runs.plan import PlanReader
from workers.images.volumes.planning.columns import HEADERS

_OBJECTS = 512
_OBJECTS_A_RECORD = 256
_MOST_OBJECTS = 8192
_MOST_TOGETHER = 2048
"""Neighbours of a record that are read with it: more slices has hardly a study."""


def trial_part(stage: str, plan: PlanReader, records: int) -> TrialPart:
    """The headers of a small archive, or of some folders of a large one, all volumes of these, and of the volumes so
    many as `records`.

    A series whose slices lie in several folders of a large archive is tried in part, and may look incomplete.
    """
    total = plan.info.records
    if stage == HEADERS:
        return TrialPart(_objects(plan, records), of_all=True)
    return TrialPart(spread(total, records if stage == PREDICT else total), of_all=False)


def _objects(plan: PlanReader, records: int) -> Sequence[int]:
    total, most = plan.info.records, min(max(_OBJECTS, records * _OBJECTS_A_RECORD), _MOST_OBJECTS)
    if total <= most:
        return range(total)
    found: set[int] = set()
    places = spread(total, records)
    # In any order: where there are more folders than are read, they are not all at one end.
    for place in random.Random(0).sample(places, len(places)):
        if place not in found:
            found.update(_folder(plan, place))
        if len(found) >= most:
            break
    return sorted(found)


def _folder(plan: PlanReader, place: int) -> Iterator[int]:
    """The neighbours of a record that lie in the same folder."""
    first, end = max(0, place - _MOST_TOGETHER // 2), min(plan.info.records, place + _MOST_TOGETHER // 2)
    folders = [uri.rpartition("/")[0] for uri in plan.rows(range(first, end))["uri"].to_pylist()]
    own = folders[place - first]
    low = high = place - first
    while low > 0 and folders[low - 1] == own:
        low -= 1
    while high + 1 < len(folders) and folders[high + 1] == own:
        high += 1
    yield from range(first + low, first + high + 1)
