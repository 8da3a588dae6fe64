"""What a bundle tidies of its labels, as steps of `clean`: only what gives the same voxels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from schemas.errors import SpecError
from workers.images.volumes.card import Structure
from workers.images.volumes.formats.monai.arguments import Arguments
from workers.images.volumes.formats.monai.config import Component
from workers.images.volumes.formats.monai.preprocessing import base_name
from workers.images.volumes.outputs.settings import Clean

TIDY = {
    "KeepLargestConnectedComponent": "keep_largest",
    "FillHoles": "fill_holes",
    "RemoveSmallObjects": "remove_small",
}
"""Transforms, and which step of `clean` each is like."""
_FULL = (None, 3)
"""MONAI's connectivity of voxels that share a face, an edge or a corner."""
_NEIGHBOURS = {1: 6, 2: 18, 3: 26, 4: 26}
"""By its number of hops; small objects are found with the channel as an axis of its own."""


@dataclass(frozen=True)
class _Marked:
    """What MONAI finds in the tensor: `names` by label of a map of one channel (`is_map`), else by channel."""

    names: Mapping[int, str]
    is_map: bool


def cleaning_of(
    tidied: Sequence[Component], pred: str, structures: Sequence[Structure], outputs: int, *, exclusive: bool
) -> tuple[Clean, ...]:
    """The steps that give what these transforms give, in their order. `outputs` are the network's channels, which are
    `exclusive` where a label map is made of them. Raises SpecError for one that would give other voxels."""
    is_map = exclusive or outputs == 1
    first = 1 if is_map and not exclusive else 0
    marked = _Marked({one.channel + first: one.name for one in structures}, is_map)
    found: list[Clean] = []
    for one in tidied:
        given = Arguments(one, pred)
        given.drop("keys", "allow_missing_keys")
        found += _STEPS[base_name(one.target)](given, marked)
        given.done()
    return tuple(found)


def _keep_largest(given: Arguments, marked: _Marked) -> list[Clean]:
    given.only("is_onehot", None, not marked.is_map)
    given.only("connectivity", *_FULL)
    given.only("num_components", 1)
    names = _applied(given, marked)
    if not given.truth("independent", True) and len(names) > 1:
        raise _other(given, "takes several labels together, and here each structure has its own largest component")
    return _step("keep_largest", names, marked)


def _fill_holes(given: Arguments, marked: _Marked) -> list[Clean]:
    given.only("connectivity", *_FULL)
    names = [name for name in _applied(given, marked) if name != marked.names.get(0)]
    if marked.is_map and len(marked.names) > 1:
        raise _other(given, "overwrites structures that another one encloses, and here only background is filled")
    return _step("fill_holes", names, marked)


def _remove_small(given: Arguments, marked: _Marked) -> list[Clean]:
    given.only("pixdim", None)
    given.drop("independent_channels")
    least, by_measure = given.number("min_size", 64) or 0.0, given.truth("by_measure", False)
    connectivity = given.take("connectivity", 1)
    if connectivity not in _NEIGHBOURS:
        raise SpecError(f"{given.where}: {given.target} with connectivity {connectivity!r}: must be 1, 2 or 3")
    if len(marked.names) > 1:
        what = "counts all voxels of a label" if marked.is_map else "takes channels for neighbours"
        raise _other(given, f"{what} where there are several structures")
    size = {"ml": least / 1000} if by_measure else {"voxels": ceil(least)}
    names = list(marked.names.values())
    return _step("remove_small", names, marked, neighbours=_NEIGHBOURS[connectivity], **size) if least > 0 else []


_STEPS = {"KeepLargestConnectedComponent": _keep_largest, "FillHoles": _fill_holes, "RemoveSmallObjects": _remove_small}


def _applied(given: Arguments, marked: _Marked) -> list[str]:
    """The structures that a transform is done to; without a word of it all but those of label, or channel, 0."""
    said = given.take("applied_labels", None)
    values = [said] if isinstance(said, int) else list(said or ())
    if not values:
        return [name for value, name in marked.names.items() if value]
    unknown = [value for value in values if value != 0 and value not in marked.names]
    if unknown:
        raise SpecError(f"{given.where}: {given.target} names {unknown[0]!r}, which marks no structure: correct it")
    return [marked.names[value] for value in dict.fromkeys(values) if value in marked.names]


def _step(step: str, names: Sequence[str], marked: _Marked, **more: Any) -> list[Clean]:
    if not names:
        return []
    chosen = () if len(names) == len(marked.names) else tuple(names)
    return [Clean.model_validate({"step": step, "structures": chosen, **more})]


def _other(given: Arguments, what: str) -> SpecError:
    step = TIDY[base_name(given.target)]
    return SpecError(
        f"{given.where}: {given.target} {what}: leave it out, and write `clean: [{{step: {step}}}]` in the spec if "
        "that will do"
    )
