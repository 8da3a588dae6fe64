"""Slices at one place: told apart by echo, b-value, time and the like, or by nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from workers.images.series.facts import SliceFacts
from workers.images.series.grouping import Part

_SAME_MM = 0.01
_ROUNDING_MM = 1e-4
_DIGITS = 4
_OVERLAP = 0.5


@dataclass(frozen=True)
class Trait:
    """An attribute by which volumes of one series differ. `in_time`: its values follow each other, and slices of one
    volume may have different ones; then the volumes are numbered as phases."""

    keyword: str
    name: str
    in_time: bool = False


TRAITS = (
    Trait("EchoTime", "TE"),
    Trait("EchoNumbers", "echo"),
    Trait("DiffusionBValue", "b"),
    Trait("DiffusionGradientOrientation", "direction"),
    Trait("InversionTime", "TI"),
    Trait("FlipAngle", "flip"),
    Trait("RepetitionTime", "TR"),
    Trait("ImageType", "type"),
    Trait("FrameType", "type"),
    Trait("ConvolutionKernel", "kernel"),
    Trait("KVP", "kVp"),
    Trait("StackID", "stack"),
    Trait("TemporalPositionIndex", "phase"),
    Trait("TemporalPositionIdentifier", "phase"),
    Trait("NominalPercentageOfCardiacPhase", "percent"),
    Trait("TriggerTime", "trigger", in_time=True),
    Trait("FrameReferenceTime", "time", in_time=True),
    Trait("AcquisitionNumber", "acquisition", in_time=True),
    Trait("AcquisitionDateTime", "time", in_time=True),
    Trait("AcquisitionTime", "time", in_time=True),
    Trait("ContentTime", "time", in_time=True),
    Trait("DimensionIndexValues", "dimension"),
)
"""In the order in which they are tried. Each counts only where slices at one place differ in it."""

_NUMBERED = ("direction", "dimension", "stack")
"""Names whose values are long or anybody's words: the volume is named by their number."""


def places(along: Sequence[float]) -> list[int]:
    """The number of each slice's place among all places, by millimetres along the normal."""
    values = np.asarray(along, float)
    order = np.argsort(values, kind="stable")
    usual = float(np.ptp(values)) / max(len(values) - 1, 1)
    same = max(_ROUNDING_MM, min(_SAME_MM, 0.05 * usual))
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > same)])
    return [int(number) for number in numbers]


def split_repeats(part: Part, at: dict[int, int]) -> list[Part]:
    """Parts in which no place comes twice, as far as any trait tells them apart; `at` is the place by `id` of a slice.

    Parts that hold a place twice are left as they are: their slices are copies of each other, or contradict.
    """
    most = max(Counter(at[id(facts)] for facts in part.slices).values())
    if most == 1:
        return [part]
    for trait in TRAITS:
        parts = _apart(part, trait, at, most)
        if parts is not None:
            return [smaller for found in parts for smaller in split_repeats(found, at)]
    return [part]


def _apart(part: Part, trait: Trait, at: dict[int, int], most: int) -> list[Part] | None:
    values = {id(facts): value_of(facts, trait) for facts in part.slices}
    if not _differs_somewhere(part, values, at):
        return None
    different = sorted(set(values.values()), key=_order)
    if len(different) <= most:
        groups = [[facts for facts in part.slices if values[id(facts)] == value] for value in different]
        if not trait.in_time or _overlap(groups, at):
            return _named(part, groups, _names(trait, different))
    if not trait.in_time:
        return None
    phases = _by_rank(part, values, at, most) or _by_time(part, values, at, most)
    return _named(part, phases, [f"phase={number}" for number in range(1, most + 1)]) if phases else None


def by_values(part: Part, trait: Trait) -> list[Part]:
    """One part a value of the trait, whatever lies where."""
    values = {id(facts): value_of(facts, trait) for facts in part.slices}
    different = sorted(set(values.values()), key=_order)
    groups = [[facts for facts in part.slices if values[id(facts)] == value] for value in different]
    return _named(part, groups, _names(trait, different))


def value_of(facts: SliceFacts, trait: Trait) -> Any:
    """What a slice says of a trait; numbers are rounded, so that digits that mean nothing tell nothing apart."""
    value = facts.image_type or None if trait.keyword == "ImageType" else facts.extra.get(trait.keyword)
    return _rounded(value)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    return tuple(map(_rounded, value)) if isinstance(value, list | tuple) else value


def _differs_somewhere(part: Part, values: dict[int, Any], at: dict[int, int]) -> bool:
    first: dict[int, Any] = {}
    return any(first.setdefault(at[id(facts)], values[id(facts)]) != values[id(facts)] for facts in part.slices)


def _named(part: Part, groups: Sequence[Sequence[SliceFacts]], names: Sequence[str]) -> list[Part]:
    return [Part(tuple(group), (*part.labels, name)) for group, name in zip(groups, names, strict=True)]


def _names(trait: Trait, values: Sequence[Any]) -> list[str]:
    if trait.in_time and trait.name == "time":
        return [f"phase={number}" for number in range(1, len(values) + 1)]
    if trait.name in _NUMBERED:
        return [f"{trait.name}={number}" for number in range(1, len(values) + 1)]
    return [f"{trait.name}={text}" for text in _texts(values)]


def _texts(values: Sequence[Any]) -> list[str]:
    """Values as words; of several words each, as image types have them, those that not all share."""
    if all(isinstance(value, tuple) for value in values):
        shared = set.intersection(*(set(value) for value in values))
        texts = ["-".join(str(word) for word in value if word not in shared) or "plain" for value in values]
        return texts if len(set(texts)) == len(texts) else [str(number) for number in range(1, len(values) + 1)]
    return ["none" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def _by_rank(part: Part, values: dict[int, Any], at: dict[int, int], most: int) -> list[list[SliceFacts]] | None:
    """The first, second, ... slice of each place in time, where each place has as many of them, at different times."""
    groups: list[list[SliceFacts]] = [[] for _ in range(most)]
    for here in _by_place(part, at):
        times = [values[id(facts)] for facts in here]
        if len(here) != most or len(set(times)) != most or None in times:
            return None
        for rank, facts in enumerate(sorted(here, key=lambda facts: _order(values[id(facts)]))):
            groups[rank].append(facts)
    return groups


def _by_time(part: Part, values: dict[int, Any], at: dict[int, int], most: int) -> list[list[SliceFacts]] | None:
    """Slices in the order of time, cut whenever a place comes again."""
    if None in values.values():
        return None
    groups: list[list[SliceFacts]] = [[]]
    seen: set[int] = set()
    for facts in sorted(part.slices, key=lambda facts: _order(values[id(facts)])):
        if at[id(facts)] in seen:
            groups.append([])
            seen = set()
        seen.add(at[id(facts)])
        groups[-1].append(facts)
    return groups if len(groups) == most and _overlap(groups, at) else None


def _overlap(groups: Sequence[Sequence[SliceFacts]], at: dict[int, int]) -> bool:
    """Whether of any two groups the smaller lies in the other for the most part: else two pieces of one volume that
    share a place would look like two volumes, each of them whole."""
    covered = {frozenset(at[id(facts)] for facts in group) for group in groups}
    return all(len(one & other) >= _OVERLAP * min(len(one), len(other)) for one, other in combinations(covered, 2))


def _by_place(part: Part, at: dict[int, int]) -> Iterator[list[SliceFacts]]:
    found: defaultdict[int, list[SliceFacts]] = defaultdict(list)
    for facts in part.slices:
        found[at[id(facts)]].append(facts)
    yield from (found[place] for place in sorted(found))


def _order(value: Any) -> tuple[int, Any]:
    """Absent ones first, then numbers, then words, then lists of them."""
    if value is None:
        return 0, 0
    if isinstance(value, tuple):
        return 3, tuple(map(_order, value))
    return (1, value) if isinstance(value, int | float) else (2, str(value))
