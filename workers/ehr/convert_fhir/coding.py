"""From what FHIR says of a concept to one part of a MEDS code."""

from collections.abc import Callable, Mapping
from typing import Any

from workers.ehr.convert_fhir.paths import Getter, Node, getter

Named = tuple[str, str | None]
"""A part of a code, and what it means to people, if the source says so."""
Part = Callable[[Mapping[str, Any], Node], Named | None]


def compile_part(text: str, systems: Mapping[str, str]) -> Part:
    """`$path|$other|LITERAL` as a function of a resource and an item; None where nothing is there."""
    choices: list[Getter | Named] = [
        getter(choice[1:]) if choice.startswith("$") else (choice, None) for choice in text.split("|")
    ]

    def part(resource: Mapping[str, Any], item: Node) -> Named | None:
        for choice in choices:
            if isinstance(choice, tuple):
                return choice
            found = _name(choice(resource, item), resource, systems)
            if found is not None:
                return found
        return None

    return part


def _name(node: Node, resource: Mapping[str, Any], systems: Mapping[str, str]) -> Named | None:
    if type(node) is str:
        return (node, None) if node else None
    if type(node) is bool:
        return ("true" if node else "false"), None
    if type(node) is int:
        return str(node), None
    if type(node) is not dict:
        return None
    if "reference" in node:
        return _referenced(node, resource, systems)
    return _concept(node, systems)


def _concept(node: Mapping[str, Any], systems: Mapping[str, str]) -> Named | None:
    """A CodeableConcept by its first coding that has a code, else by its text; or a Coding."""
    text = node.get("text")
    said = text if type(text) is str and text else None
    codings = node["coding"] if type(node.get("coding")) is list else [node]
    for coding in codings:
        code = coding.get("code") if type(coding) is dict else None
        if type(code) is str and code:
            system, display = coding.get("system"), coding.get("display")
            name = f"{systems.get(system, system)}/{code}" if type(system) is str else code
            return name, display if type(display) is str else said
    return (f"TEXT/{said}", said) if said else None


def _referenced(node: Mapping[str, Any], resource: Mapping[str, Any], systems: Mapping[str, str]) -> Named | None:
    """What is contained in the resource by its code; what lies elsewhere by its reference, not to be guessed."""
    reference, display = node["reference"], node.get("display")
    if type(reference) is not str or not reference:
        return None
    if reference.startswith("#"):
        contained = resource.get("contained")
        for inner in contained if type(contained) is list else ():
            if type(inner) is dict and inner.get("id") == reference[1:] and type(inner.get("code")) is dict:
                return _concept(inner["code"], systems)
        return None
    return "/".join(reference.split("/")[-2:]), display if type(display) is str else None
