"""Numbers, texts and units of FHIR's data types, and which elements of them were read."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from workers.ehr.convert_fhir.places import Node, Path, Place
from workers.ehr.meds.units import normal_unit

_LARGEST = float(np.finfo(np.float32).max)
_UNIT = ("code", "unit", "system")


class Read(NamedTuple):
    """What was read of a place, None where it cannot be; `used` are the paths of what went into it."""

    value: object
    used: tuple[Path, ...]


def number_of(node: Node) -> float | None:
    """A number that fits float32; a boolean is none."""
    if type(node) not in (int, float):
        return None
    try:
        number = float(node)
    except OverflowError:
        return None
    return number if math.isfinite(number) and abs(number) <= _LARGEST else None


def read_number(place: Place) -> Read:
    """A number, the value of a Quantity, or the quotient of a Ratio."""
    node = place.node
    if type(node) is not dict:
        return Read(number_of(node), (place.path,))
    if "value" in node:
        return Read(number_of(node["value"]), (place.at("value"),))
    upper, lower = (_inner(node.get(name)) for name in ("numerator", "denominator"))
    quotient = number_of(upper / lower) if upper is not None and lower else None
    used = [place.at(one, "value") for one in ("numerator", "denominator") if "value" in _dict(node.get(one))]
    return Read(quotient, tuple(used))


def read_text(place: Place) -> Read:
    """A text, or what a data type says, on one line: `<` of a Quantity, `1:128`, `1 - 5`, `2024-01-01/2024-02-01`."""
    node = place.node
    if type(node) is str:
        return Read(node, (place.path,))
    if type(node) is bool:
        return Read(str(node).lower(), (place.path,))
    if type(node) is not dict:
        return Read(None, ())
    if "numerator" in node or "denominator" in node:
        parts = [_quantity(node.get(name)) for name in ("numerator", "denominator")]
        return Read(":".join(part or "?" for part in parts), _quantities(place, "numerator", "denominator"))
    if "low" in node or "high" in node:
        low, high = _quantity(node.get("low")), _quantity(node.get("high"))
        said = f"{low} - {high}" if low and high else f">= {low}" if low else f"<= {high}" if high else None
        return Read(said, _quantities(place, "low", "high"))
    if "start" in node or "end" in node:
        used = tuple(place.at(one) for one in ("start", "end") if one in node)
        return Read(f"{node.get('start') or '..'}/{node.get('end') or '..'}", used)
    data = node.get("data")
    return Read(data, (place.at("data"),)) if type(data) is str else Read(None, ())


def read_unit(place: Place, units: Mapping[str, str]) -> Read:
    """The unit of a Quantity: its code, else what it is called; one way to write each (`units`).

    None where there is none. Of a Range or Ratio that of its first part.
    """
    node = place.node
    if type(node) is str and node:
        return Read(normal_unit(node, units), (place.path,))
    if type(node) is not dict:
        return Read(None, ())
    for name in ("low", "high", "numerator"):
        if type(node.get(name)) is dict:
            return read_unit(Place(node[name], place.at(name)), units)
    used = tuple(place.at(name) for name in _UNIT if name in node)
    for name in _UNIT[:2]:
        said = node.get(name)
        if type(said) is str and said.strip():
            return Read(normal_unit(said, units), used)
    return Read(None, used)


def _inner(node: Node) -> float | None:
    return number_of(node.get("value")) if type(node) is dict else None


def _quantity(node: Node) -> str | None:
    if type(node) is not dict or number_of(node.get("value")) is None:
        return None
    comparator = node.get("comparator")
    return f"{comparator if type(comparator) is str else ''}{node['value']}"


def _quantities(place: Place, *names: str) -> tuple[Path, ...]:
    inner = ("value", "comparator", *_UNIT)
    return tuple(place.at(name, one) for name in names for one in inner if one in _dict(place.node.get(name)))


def _dict(node: Node) -> Mapping[str, object]:
    return node if type(node) is dict else {}
