"""Slices that nothing but their pixels could tell apart: copies of each other, or a contradiction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workers.images.series.facts import SliceFacts
from workers.images.series.grouping import Part


@dataclass(frozen=True)
class Compared:
    """What is left of a part when copies are taken out of it.

    `conflicts` are places that hold different slices still; `unknown` those slices whose pixels would have to be
    compared, which nobody has done yet.
    """

    part: Part
    copies: tuple[SliceFacts, ...] = ()
    conflicts: frozenset[int] = frozenset()
    unknown: tuple[SliceFacts, ...] = ()


def without_copies(part: Part, at: dict[int, int]) -> Compared:
    """Keep the first of the slices at one place that have the same pixels, by instance number, UID and key.

    A slice that cannot be read gives way to any that can.
    """
    here: defaultdict[int, list[SliceFacts]] = defaultdict(list)
    for facts in sorted(part.slices, key=_order):
        here[at[id(facts)]].append(facts)
    kept: list[SliceFacts] = []
    copies: list[SliceFacts] = []
    conflicts: set[int] = set()
    unknown: list[SliceFacts] = []
    for place, found in sorted(here.items()):
        readable = [facts for facts in found if facts.fault is None] or found[:1]
        first = _first_of_each(readable)
        kept += first
        copies += [facts for facts in found if all(facts is not other for other in first)]
        if len(first) > 1:
            conflicts.add(place)
            unknown += [facts for facts in readable if facts.digest is None]
    return Compared(replace(part, slices=tuple(kept)), tuple(copies), frozenset(conflicts), tuple(unknown))


def in_blocks(compared: Compared, at: dict[int, int]) -> list[Part] | None:
    """Volumes that are told apart by instance numbers alone: they follow each other, or all slices of a place do
    before those of the next, and every place has as many. None where it is neither.

    This is the last resort for phases that no attribute tells apart, and asked only where their pixels differ.
    """
    slices = sorted(compared.part.slices, key=_order)
    numbers = [facts.instance_number for facts in slices]
    everywhere = len({at[id(facts)] for facts in slices})
    if compared.unknown or None in numbers or len(set(numbers)) < len(numbers) or len(slices) % everywhere:
        return None
    phases = len(slices) // everywhere
    one_after_the_other = [slices[first : first + everywhere] for first in range(0, len(slices), everywhere)]
    place_by_place = [slices[first::phases] for first in range(phases)]
    for blocks in (one_after_the_other, place_by_place):
        if all(len({at[id(facts)] for facts in block}) == everywhere for block in blocks):
            return [Part(tuple(block), (*compared.part.labels, f"phase={n}")) for n, block in enumerate(blocks, 1)]
    return None


def _first_of_each(found: Sequence[SliceFacts]) -> list[SliceFacts]:
    if any(facts.digest is None for facts in found):
        return list(found)
    first: dict[str | None, SliceFacts] = {}
    for facts in found:
        first.setdefault(facts.digest, facts)
    return list(first.values())


def _order(facts: SliceFacts) -> tuple[bool, int, str, str, int, tuple[int, int]]:
    number = facts.instance_number
    return (number is None, number or 0, facts.sop_uid or "", facts.key, facts.frame, facts.corner or (0, 0))
