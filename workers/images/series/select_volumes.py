"""Which of the volumes of a study are wanted, by the rules of the spec."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from schemas.status import Status
from workers.images.series.facts import SeriesVolume, SliceFacts
from workers.images.series.selection_settings import Condition, Preference, Selection, SelectionRule

_PLANES = {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal", "R": "sagittal"}
_PASSED_OVER = "another volume of its study comes first by the spec's order"
_NO_RULE = "no rule of the spec matches it"

Headers = Mapping[tuple[str, int], SliceFacts]


def select_volumes(
    volumes: Sequence[SeriesVolume], facts: Iterable[SliceFacts], selection: Selection
) -> list[SeriesVolume]:
    """The same volumes: those that are not wanted with the status `not_selected`, the others with `selected_by`.

    Every slice of a volume has to match a rule. A volume that cannot be read is never the one that is taken; if a rule
    matches it, its own status stays. `facts` must have been read with `selection.attributes`.
    """
    headers = {(one.key, one.frame): one for one in facts}
    matched = {
        volume.volume_id: [rule for rule in selection.rules if _matches(rule, volume, headers)] for volume in volumes
    }
    taken = _taken(volumes, matched, headers, selection)
    return [_judged(volume, matched[volume.volume_id], taken.get(volume.volume_id)) for volume in volumes]


def _judged(volume: SeriesVolume, matched: Sequence[SelectionRule], taken_by: str | None) -> SeriesVolume:
    if taken_by is not None:
        return replace(volume, selected_by=taken_by)
    if matched and volume.status is not None:
        return volume
    return replace(volume, status=Status.NOT_SELECTED, detail=_PASSED_OVER if matched else _NO_RULE)


def _taken(
    volumes: Sequence[SeriesVolume],
    matched: Mapping[str, Sequence[SelectionRule]],
    headers: Headers,
    selection: Selection,
) -> dict[str, str]:
    """The rule that takes a volume, by its id; the first where several do."""
    taken: dict[str, str] = {}
    for rule in selection.rules:
        candidates: defaultdict[str, list[SeriesVolume]] = defaultdict(list)
        for volume in volumes:
            if volume.status is None and rule in matched[volume.volume_id]:
                candidates[volume.study_uid or volume.volume_id].append(volume)
        for found in candidates.values():
            found.sort(key=lambda volume: _rank(volume, headers, selection.order))
            for volume in found if selection.take == "all" else found[:1]:
                taken.setdefault(volume.volume_id, rule.name)
    return taken


def _matches(rule: SelectionRule, volume: SeriesVolume, headers: Headers) -> bool:
    return all(
        all(_holds(condition, found) for found in _values(name, volume, headers))
        for name, condition in rule.where.items()
    )


def _values(name: str, volume: SeriesVolume, headers: Headers) -> list[tuple[Any, ...]]:
    """What the volume, or each of its slices, has under this name; a different answer once."""
    if name in _OF_VOLUME:
        return [_several(_OF_VOLUME[name](volume))]
    found = {_several(_attribute(headers[(placed.key, placed.frame)], name)) for placed in volume.slices}
    return sorted(found, key=repr)


_OF_VOLUME: dict[str, Callable[[SeriesVolume], Any]] = {
    "slices": lambda volume: len(volume.slices),
    "spacing_mm": lambda volume: volume.spacing[2] if volume.spacing else None,
    "tilt_deg": lambda volume: volume.tilt_deg or 0.0,
    "plane": lambda volume: _PLANES[volume.orientation[2]] if volume.orientation else None,
}


def _attribute(facts: SliceFacts, name: str) -> Any:
    return (facts.image_type or None) if name == "ImageType" else facts.extra.get(name)


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _holds(condition: Condition, values: tuple[Any, ...]) -> bool:
    """Whether an attribute with these values, none where it is absent, is what the rule says."""
    tests: list[bool] = []
    if condition.equals is not None:
        tests.append(any(_same(value, condition.equals) for value in values))
    if condition.one_of is not None:
        tests.append(any(_same(value, one) for value in values for one in condition.one_of))
    if condition.none_of is not None:
        tests.append(not any(_same(value, one) for value in values for one in condition.none_of))
    if condition.has is not None:
        tests.append(all(any(_same(value, one) for value in values) for one in condition.has))
    if condition.between is not None:
        low, high = condition.between
        numbers = [_number(value) for value in values]
        tests.append(bool(numbers) and all(number is not None and low <= number <= high for number in numbers))
    if condition.matches is not None:
        tests.append(any(re.search(condition.matches, str(value), re.IGNORECASE) for value in values))
    return all(tests)


def _same(value: Any, wanted: Any) -> bool:
    number, other = _number(value), _number(wanted)
    if number is not None and other is not None:
        return math.isclose(number, other, rel_tol=1e-9)
    return str(value).strip().casefold() == str(wanted).strip().casefold()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _rank(volume: SeriesVolume, headers: Headers, order: Sequence[Preference]) -> tuple[Any, ...]:
    first = volume.slices[0]
    facts = headers[(first.key, first.frame)]
    return (*(_ORDER[preference](volume, facts) for preference in order), volume.volume_id)


def _series_number(facts: SliceFacts, absent: float) -> float:
    found = _number(facts.extra.get("SeriesNumber"))
    return absent if found is None else found


def _area(volume: SeriesVolume) -> float:
    return volume.spacing[0] * volume.spacing[1] if volume.spacing else math.inf


def _depth(volume: SeriesVolume) -> float:
    return volume.spacing[2] if volume.spacing else math.inf


def _time(facts: SliceFacts) -> str:
    return str(facts.extra.get("AcquisitionDateTime") or facts.extra.get("AcquisitionTime") or "")


_ORDER: dict[Preference, Callable[[SeriesVolume, SliceFacts], Any]] = {
    "more slices": lambda volume, _: -len(volume.slices),
    "fewer slices": lambda volume, _: len(volume.slices),
    "thinner": lambda volume, _: _depth(volume),
    "thicker": lambda volume, _: -_depth(volume),
    "finer": lambda volume, _: _area(volume),
    "coarser": lambda volume, _: -_area(volume),
    "lower series number": lambda _, facts: _series_number(facts, math.inf),
    "higher series number": lambda _, facts: -_series_number(facts, -math.inf),
    "earlier": lambda _, facts: (not _time(facts), _time(facts)),
    "later": lambda _, facts: (not _time(facts), [-ord(sign) for sign in _time(facts)]),
}
