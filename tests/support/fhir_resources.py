"""Resources with every element that FHIR R4 defines for their kind, made from its definitions."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

DEFINED: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent.parent / "cases/fhir-r4/elements.json").read_text()
)
KINDS = (
    *("Patient", "Encounter", "Condition", "Observation", "MedicationRequest", "MedicationStatement"),
    *("MedicationDispense", "MedicationAdministration", "Procedure", "Immunization", "AllergyIntolerance"),
    *("DocumentReference", "DiagnosticReport"),
)
_DEEPEST = 4
_SKIPPED = ("modifierExtension", "resourceType", "resource_type", "implicitRules", "fhir_comments")
_SAID = {"status": "final", "docStatus": "final", "intent": "order", "contentType": "text/plain", "comparator": "<"}
"""Values that decide whether a resource holds."""


def whole_resource(kind: str, number: int) -> dict[str, Any]:
    """One with every element, and of each choice of types the one that the number chooses."""
    maker = _Maker(random.Random(number), number)
    resource = {"resourceType": kind, **maker.make(kind, 0)}
    subject = "patient" if kind in ("Immunization", "AllergyIntolerance") else "subject"
    if kind == "Patient":
        resource["id"] = f"p{number}"
    else:
        resource[subject] = {"reference": "Patient/p1", "display": "somebody"}
    return resource


class _Maker:
    def __init__(self, chance: random.Random, number: int) -> None:
        self._chance = chance
        self._number = number
        self._count = 0

    def make(self, kind: str, depth: int) -> dict[str, Any]:
        chosen = _chosen(DEFINED[kind], self._number)
        found: dict[str, Any] = {}
        for name, said in chosen.items():
            inner = said.removesuffix("[]")
            if (
                depth >= _DEEPEST
                or name in _SKIPPED
                or (name == "extension" and depth > 1)
                or (name == "id" and depth > 2)
            ):
                continue
            many = self._chance.choice([1, 2]) if said.endswith("[]") else 1
            values = [self._value(name, inner, depth) for _ in range(many)]
            found[name] = values if said.endswith("[]") else values[0]
        return {name: value for name, value in found.items() if value not in ({}, [{}], [{}, {}])}

    def _value(self, name: str, kind: str, depth: int) -> Any:
        self._count += 1
        if name == "contained":
            return {"resourceType": "Organization", "id": f"inner{self._count}"}
        if name in _SAID and kind in ("Code", "String"):
            return _SAID[name]
        if name == "verificationStatus":
            return {"coding": [{"code": "confirmed", "display": f"confirmed {self._count}"}], "text": "confirmed"}
        if name in ("low", "high", "valueQuantity"):
            return {**self.make(kind, depth + 1), "code": "mg", "unit": "mg"}
        if kind == "Reference":
            return {"reference": f"Thing/{self._count}", "display": f"thing {self._count}", "type": "Thing"}
        return self.make(kind, depth + 1) if kind in DEFINED else self._leaf(name, kind)

    def _leaf(self, name: str, kind: str) -> Any:
        if kind in ("DateTime", "Instant"):
            return f"{datetime(2011, 3, 5, 10) + timedelta(minutes=self._count):%Y-%m-%dT%H:%M:00}+01:00"
        if kind == "Boolean":
            return name == "valueBoolean"
        if kind in ("Decimal", "Integer", "PositiveInt", "UnsignedInt"):
            return self._count
        if kind == "Base64Binary":
            return base64.b64encode(f"text {self._count}".encode()).decode()
        fixed = {"Date": "2011-04-05", "Time": "08:30:00", "Xhtml": "<div>words</div>"}
        return fixed.get(kind, f"{name}-{self._count}")


def _chosen(elements: dict[str, str], number: int) -> dict[str, str]:
    """The elements, of `value[x]` and its like only one."""
    groups: dict[str, list[str]] = {}
    for name, said in elements.items():
        kind = said.removesuffix("[]")
        base = name.removesuffix(kind) if name.endswith(kind) and name != kind else name
        groups.setdefault(base if re.fullmatch("[a-z][A-Za-z]*", base) else name, []).append(name)
    names = [sorted(group)[number % len(group)] for group in groups.values()]
    return {name: elements[name] for name in names}


def leaves(node: Any, name: str = "") -> Iterator[str]:
    """Names of all elements that have a value, without the numbers of lists."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, name)
    else:
        yield name


def without(node: Any, path: list[str]) -> Any:
    """The resource without an element, in all items of lists."""
    if isinstance(node, list):
        return [without(item, path) for item in node]
    if not isinstance(node, dict):
        return node
    if len(path) == 1:
        return {key: value for key, value in node.items() if key != path[0]}
    return {key: without(value, path[1:]) if key == path[0] else value for key, value in node.items()}
