"""The rules of one type of resource, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.convert_fhir.coding import Definitions, Finder, Vocabulary
from workers.ehr.convert_fhir.events import BAD, NO_CODE, NO_TEXT, NO_TIME, NO_VALUE, EventRule, Found, where
from workers.ehr.convert_fhir.leftovers import (
    ANOTHER_CODING,
    ANOTHER_TIME,
    NO_RULE,
    Reasons,
    left_over,
    tree_of,
    used_elements,
)
from workers.ehr.convert_fhir.paths import patient_id, patient_of
from workers.ehr.convert_fhir.places import Path, Place, Step, find, items, steps_of, words_at
from workers.ehr.convert_fhir.rules import FhirRules, OneOf, Profile, Resource
from workers.ehr.documents.attachments import SAME_TEXT, UNKNOWN_CHARSET, Document, choose, read_attachment

_HIDING = steps_of("modifierExtension")
MODIFIED = "a modifierExtension that no rule knows may say the opposite"

_HARMLESS = (ANOTHER_TIME, SAME_TEXT)

LACKS = (NO_TIME, NO_VALUE, NO_CODE)


@dataclass
class Taken:
    """What came of one resource: its events, the names of elements that are in them, those that are not and why."""

    events: list[Found] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    used: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    is_part: bool = False
    """Whether something of what is left out says something of the patient."""


class ResourceRule:
    """The rules of one type of resource, compiled."""

    def __init__(self, rule: Resource, rules: FhirRules, vocabulary: Vocabulary, profile: Profile) -> None:
        self._subjects: list[tuple[tuple[Step, ...], Callable[[Any], tuple[str | None, str]]]] = [
            (steps_of(path), patient_of if path.split(".")[-1] == "reference" else patient_id) for path in rule.subject
        ]
        self._unless = [
            (steps_of(path), frozenset(values)) for path, values in [*rules.unless.items(), *rule.unless.items()]
        ]
        self._visit = where(rule.visit)
        self._groups: list[list[EventRule]] = []
        self._texts: list[tuple[Any, EventRule]] = []
        for entry in rule.events:
            choices = entry.one_of if isinstance(entry, OneOf) else (entry,)
            compiled = [EventRule(choice, rule.time, vocabulary, profile) for choice in choices]
            if choices[0].attachment is None:
                self._groups.append(compiled)
            else:
                self._texts.append((choices[0].attachment.lstrip("."), compiled[0]))
        self._beside = Reasons(rules.beside)
        self._reasons = Reasons(rule.left_out)
        self._subject_paths: tuple[Path, ...] = tuple((path.split(".")[0],) for path in rule.subject)

    def subject(self, resource: Mapping[str, Any]) -> tuple[str | None, str]:
        """The patient's id, else None and why."""
        for steps, read in self._subjects:
            place = find(Place(resource, ()), steps)
            if place is not None:
                return read(place.node)
        return None, "no subject"

    def refused(self, resource: Mapping[str, Any]) -> str | None:
        """Why the resource does not say what it seems to, if so."""
        for steps, values in self._unless:
            if not values.isdisjoint(words_at(resource, steps)):
                return f"its {steps[0].name} says that it does not hold"
        return MODIFIED if items(Place(resource, ()), _HIDING) else None

    def take(self, resource: Mapping[str, Any], defined: Definitions) -> Taken:
        """Its events, and an account of every element."""
        whole = Place(resource, ())
        taken, used = Taken(), list(self._subject_paths)
        beside, failed = dict[Path, str](), dict[Path, str]()
        for group in self._groups:
            each = group[0].each
            for item in [whole] if each is None else items(whole, each):
                lacks = self._first_of(group, Finder(whole, item, defined), taken)
                if lacks and item.path:
                    failed[item.path] = reason_of(lacks)
        for path, rule in self._texts:
            self._take_texts(path, rule, Finder(whole, whole, defined), taken, beside)
        for event in taken.events:
            used += event.used
            beside |= event.beside
            taken.is_part |= event.lacks is not None
        for path, reason in failed.items():
            if not any(one[: len(path)] == path for one in used):
                beside[path] = reason
        self._account(resource, used, beside, taken)
        return taken

    def visit(self, resource: Mapping[str, Any]) -> tuple[str | None, Path]:
        """The id of the visit that its events belong to."""
        place = self._visit.find(Finder(Place(resource, ()), Place(resource, ()), {})) if self._visit else None
        if place is None or type(place.node) is not str:
            return None, ()
        return place.node.partition("/_history/")[0].rsplit("/", 1)[-1].removeprefix("urn:uuid:"), place.path

    def _first_of(self, group: list[EventRule], finder: Finder, taken: Taken) -> list[str]:
        """What was lacking, where no rule of the group gives an event."""
        missed: list[str] = []
        if finder.item.path and items(finder.item, _HIDING):
            missed, group = [MODIFIED], []
        for rule in group:
            result = rule.apply(finder)
            if isinstance(result, Found):
                taken.events.append(result)
                return []
            missed.append(result)
        taken.lacking += missed
        return missed

    def _take_texts(self, path: str, rule: EventRule, finder: Finder, taken: Taken, beside: dict[Path, str]) -> None:
        """An event for each text of a document that says something of its own."""
        steps = steps_of(path)
        over = [finder.resource] if rule.each is None else items(finder.resource, rule.each)
        places = [(item, place) for item in over for place in items(item, steps) if type(place.node) is dict]
        read: list[tuple[Place, Place, Document]] = []
        for item, place in places:
            try:
                document = read_attachment(place.node)
                document.text().encode()
                read.append((item, place, document))
            except RecordError as error:
                taken.lacking.append(
                    BAD if error.status == Status.UNREADABLE or error.detail == UNKNOWN_CHARSET else NO_TEXT
                )
                beside[place.path] = error.detail
            except UnicodeEncodeError:
                taken.lacking.append(BAD)
                beside[place.path] = "its attachment is not utf-8"
        _, left_out = choose([document for *_, document in read])
        for number, (item, place, document) in enumerate(read):
            if number in left_out:
                beside[place.path] = left_out[number]
                continue
            result = rule.apply(Finder(finder.resource, item, finder.defined))
            if isinstance(result, Found):
                result.text = document.text()
                result.used += [place.at(name) for name in ("data", "contentType") if name in place.node]
                taken.events.append(result)
            else:
                taken.lacking.append(result)

    def _account(self, resource: Mapping[str, Any], used: list[Path], beside: Mapping[Path, str], taken: Taken) -> None:
        if not taken.events:
            return
        visit, path = self.visit(resource)
        if visit is not None:
            used.append(path)
        tree = tree_of(path for path in [("resourceType",), *used, *beside] if _is_there(resource, path))
        set_aside = {_name(path): reason for path, reason in beside.items()}
        taken.used = tuple(name for name in used_elements(tree) if name not in set_aside)
        for name, default in left_over(resource, tree):
            harmless = self._beside.of(name)
            taken.left_out[name] = self._reasons.of(name) or harmless or default
            taken.is_part |= harmless is None and default != ANOTHER_CODING
        for name, reason in set_aside.items():
            taken.left_out[name] = reason
            taken.is_part |= reason not in _HARMLESS


def _is_there(node: Any, path: Path) -> bool:
    for name in path:
        if type(node) is dict and name in node:
            node = node[name]
        elif type(node) is list and name in range(len(node)):
            node = node[int(name)]
        else:
            return False
    return True


def _name(path: Path) -> str:
    return ".".join(str(name) for name in path if type(name) is str)


def reason_of(lacking: Iterable[str]) -> str:
    """Why a resource gives no event: what is most worth saying."""
    said = list(lacking)
    return next((reason for reason in (MODIFIED, *LACKS) if reason in said), (said or [NO_RULE])[0])


def parts_of(taken: Taken) -> Iterator[tuple[str, str | None]]:
    """Each element by name, with the reason why it is left out, or None."""
    yield from ((name, None) for name in taken.used)
    yield from taken.left_out.items()
