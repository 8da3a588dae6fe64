"""`labels` of `dataset.json` as structures: one a label, or one a region where regions overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import SpecError
from workers.images.volumes.card import Structure
from workers.images.volumes.formats.structures import BACKGROUND, structure_name

_IGNORE = "ignore"


@dataclass(frozen=True)
class Labels:
    """`outputs` are the channels of the network."""

    structures: tuple[Structure, ...]
    outputs: int
    overlap: bool


def labels_of(dataset: Mapping[str, Any], where: str) -> Labels:
    """Raises SpecError where labels do not count from the background, 0, on, or a region has no place in
    `regions_class_order`."""
    given = dataset.get("labels")
    if not isinstance(given, Mapping) or given.get(BACKGROUND) not in (0, [0]):
        raise SpecError(f"{where}: labels must be names with numbers, and background 0")
    named = {str(name): value for name, value in given.items() if name not in (BACKGROUND, _IGNORE)}
    # nnU-Net's own rule: regions it is, where any of them has two labels.
    if any(isinstance(value, list) and len(value) > 1 for value in named.values()):
        return _regions(named, dataset.get("regions_class_order"), where)
    values = [value[0] if isinstance(value, list) and value else value for value in named.values()]
    if not values or sorted(map(str, values)) != sorted(str(at + 1) for at in range(len(values))):
        raise SpecError(f"{where}: labels {values} must be 1, 2 and so on, each once")
    found = [
        Structure(name=structure_name(name), label=int(value), channel=int(value))
        for name, value in zip(named, values, strict=True)
    ]
    return Labels(tuple(sorted(found, key=lambda one: one.label)), len(values) + 1, overlap=False)


def _regions(named: Mapping[str, Any], order: Sequence[int] | None, where: str) -> Labels:
    regions = [name for name, value in named.items() if value not in (0, [0])]
    if not isinstance(order, list) or len(order) != len(regions):
        raise SpecError(f"{where}: regions_class_order must have a label for each of the {len(regions)} regions")
    distinct = len(set(order)) == len(order) and all(isinstance(one, int) and one > 0 for one in order)
    found = tuple(
        Structure(name=structure_name(name), label=order[at] if distinct else at + 1, channel=at)
        for at, name in enumerate(regions)
    )
    return Labels(found, len(regions), overlap=True)
