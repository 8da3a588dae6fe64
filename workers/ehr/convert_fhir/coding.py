"""From what FHIR says of a concept to one part of a MEDS code."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workers.ehr.convert_fhir.places import Node, Path, Place, find, steps_of
from workers.ehr.convert_fhir.values import read_unit

Definitions = Mapping[str, tuple[str, str | None]]
"""Code and description of what other resources refer to for their code, by `Type/id`."""

UNRESOLVED = "refers to what is not in the export"
_MOST_SYSTEMS = 1_000
_CODED = ("system", "code", "display")


class Named(NamedTuple):
    """A part of a code, what it means to people, and the paths of what went into it."""

    name: str
    said: str | None
    used: tuple[Path, ...]
    lacks: str | None = None
    """Why it is not all that it could be."""


@dataclass(frozen=True)
class Vocabulary:
    """How concepts are named: short names of systems by their uri, and which of several codings counts.

    A system is the same with `http` and `https`, with a slash at its end, and as `urn:oid:`.
    """

    systems: Mapping[str, str]
    prefer: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The systems by what is the same in all ways to write them."""
    _named: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Those that were asked for, as they stand."""
    _ranks: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Have the systems and their order at hand."""
        self._known.update({_plain(uri): name for uri, name in self.systems.items()})
        self._ranks.update({name: rank for rank, name in enumerate(self.prefer)})

    def system(self, uri: str) -> str:
        """The short name of a system, else its uri without the scheme: two slashes end a part of a code."""
        found = self._named.get(uri)
        if found is None:
            found = self._known.get(_plain(uri)) or re.sub(r"^https?://", "", uri.strip()).rstrip("/")
            if len(self._named) < _MOST_SYSTEMS:
                self._named[uri] = found
        return found

    def rank(self, system: object) -> int:
        """Place in the order of preference: codings of other systems come last, as they stand."""
        last = len(self._ranks)
        return self._ranks.get(self.system(system), last) if type(system) is str else last + 1


def _plain(uri: str) -> str:
    text = re.sub(r"^https?://(www\.)?", "", uri.strip().lower().rstrip("/"))
    return text.removeprefix("urn:oid:")


class Finder(NamedTuple):
    """What a part of a code is looked up in: a resource, an item of its list, and what it refers to.

    Alternatives look up the same parts: what was found is kept, in `shared` for the resource, in `own` for the item.
    """

    resource: Place
    item: Place
    defined: Definitions
    shared: dict[object, Any]
    own: dict[object, Any]


def finder_of(resource: Place, item: Place, defined: Definitions, shared: dict[object, Any] | None = None) -> Finder:
    """One that has found nothing yet, but what is `shared` by the items of a resource."""
    return Finder(resource, item, defined, {} if shared is None else shared, {})


Part = Callable[[Finder], Named | None]


def compile_part(text: str, vocabulary: Vocabulary) -> Part:
    """`$path|$other|LITERAL` as a function; `$path@unit` is the unit there, `$path@table` is translated by a table.

    Raises ValueError for what is no path.
    """
    choices = [_choice(choice, vocabulary) for choice in text.split("|")]
    is_of_item = any(choice.startswith("$.") for choice in text.split("|"))

    if len(choices) == 1 and not text.startswith("$"):
        return choices[0]

    def look(finder: Finder) -> Named | None:
        for choice in choices:
            found = choice(finder)
            if found is not None:
                return found
        return None

    def part(finder: Finder) -> Named | None:
        kept = finder.own if is_of_item else finder.shared
        if text not in kept:
            kept[text] = look(finder)
        named: Named | None = kept[text]
        return named

    return part


def _choice(text: str, vocabulary: Vocabulary) -> Part:
    if not text.startswith("$"):
        literal = Named(text, None, ())
        return lambda finder: literal
    path, _, how = text[1:].partition("@")
    steps, of_item = steps_of(path), path.startswith(".")

    def choice(finder: Finder) -> Named | None:
        place = find(finder.item if of_item else finder.resource, steps)
        if place is None:
            return None
        if how == "unit":
            unit = read_unit(place, vocabulary.units)
            return Named(str(unit.value), None, unit.used) if unit.value is not None else None
        found = name_of(place, finder, vocabulary)
        if found is None or not how:
            return found
        table = vocabulary.tables.get(how, {})
        return found._replace(name=table.get(found.name, table.get(found.name.rpartition("/")[2], found.name)))

    return choice


def name_of(place: Place, finder: Finder, vocabulary: Vocabulary) -> Named | None:
    """The name of a code, a truth, a whole number, a Coding, a CodeableConcept or a reference."""
    node = place.node
    if type(node) is str:
        return Named(node, None, (place.path,)) if node else None
    if type(node) is bool:
        return Named("true" if node else "false", None, (place.path,))
    if type(node) is int:
        return Named(str(node), None, (place.path,))
    if type(node) is not dict:
        return None
    if "concept" in node and "coding" not in node:
        # CodeableReference of R5.
        return name_of(Place(node["concept"], place.at("concept")), finder, vocabulary)
    if "reference" in node and type(node["reference"]) is dict:
        return name_of(Place(node["reference"], place.at("reference")), finder, vocabulary)
    return _referenced(place, finder, vocabulary) if "reference" in node else _concept(place, vocabulary)


def _concept(place: Place, vocabulary: Vocabulary) -> Named | None:
    """A CodeableConcept by the coding of the most preferred system, else by its text; or a Coding."""
    node = place.node
    text = node.get("text")
    said = text if type(text) is str and text.strip() else None
    texts = (place.at("text"),) if said else ()
    codings = [place]
    if type(node.get("coding")) is list:
        codings = [Place(coding, place.at("coding", number)) for number, coding in enumerate(node["coding"])]
    coded = [coding for coding in codings if _has_code(coding.node)]
    if not coded:
        return Named(f"TEXT/{said}", said, texts) if said else None
    coding = coded[0] if len(coded) == 1 else min(coded, key=lambda one: vocabulary.rank(one.node.get("system")))
    system, display = coding.node.get("system"), coding.node.get("display")
    code = coding.node["code"]
    name = f"{vocabulary.system(system)}/{code}" if type(system) is str and system else code
    used = tuple(coding.at(one) for one in _CODED if one in coding.node)
    return Named(name, display if type(display) is str and display else said, used + texts)


def _has_code(coding: Node) -> bool:
    return type(coding) is dict and type(coding.get("code")) is str and bool(coding["code"].strip())


def _referenced(place: Place, finder: Finder, vocabulary: Vocabulary) -> Named | None:
    """What is referred to by its code, where it is in the resource or in the export; else by its reference."""
    reference, display = place.node["reference"], place.node.get("display")
    if type(reference) is not str or not reference:
        return None
    used = tuple(place.at(name) for name in ("reference", "display", "type") if name in place.node)
    said = display if type(display) is str else None
    if reference.startswith("#"):
        inner = _contained(finder.resource, reference[1:])
        found = _concept(inner, vocabulary) if inner is not None else None
        return found._replace(used=found.used + used) if found is not None else None
    key = "/".join(reference.partition("/_history/")[0].split("/")[-2:])
    known = finder.defined.get(key)
    if known is not None:
        return Named(known[0], known[1], used)
    return Named(key, said, used, UNRESOLVED)


def _contained(resource: Place, own: str) -> Place | None:
    """The code of what is contained in the resource."""
    contained = resource.node.get("contained")
    for number, inner in enumerate(contained if type(contained) is list else ()):
        if type(inner) is dict and inner.get("id") == own and type(inner.get("code")) is dict:
            return Place(inner["code"], resource.at("contained", number, "code"))
    return None
