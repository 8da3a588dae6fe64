"""The rules of one type of resource, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.convert_fhir.coding import Definitions, Finder, Vocabulary, finder_of
from workers.ehr.convert_fhir.events import BAD, NO_CODE, NO_TEXT, NO_TIME, NO_VALUE, EventRule, Found, where
from workers.ehr.convert_fhir.leftovers import (
    ANOTHER_CODING,
    ANOTHER_TIME,
    NO_RULE,
    Reasons,
    left_over,
    name_of_path,
    shape_of,
    used_of,
)
from workers.ehr.convert_fhir.paths import patient_id, patient_of
from workers.ehr.convert_fhir.places import Path, Place, Step, find, items, steps_of, words_at
from workers.ehr.convert_fhir.rules import FhirRules, OneOf, Resource
from workers.ehr.documents.attachments import SAME_TEXT, UNKNOWN_CHARSET, Document, choose, read_attachment
from workers.ehr.meds.rules import NO_CODE_IN_PROFILE, Profile

MODIFIED = "a modifierExtension that no rule knows may say the opposite"

_MOST_ACCOUNTS = 2_000
"""Different accounts of one type of resource that are kept."""
_HARMLESS = (ANOTHER_TIME, SAME_TEXT)

LACKS = (NO_TIME, NO_VALUE, NO_CODE)


@dataclass
class Taken:
    """What came of one resource: its events, the visit that they are of, the names of elements that are in them, those
    that are not and why."""

    events: list[Found] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    visit: str | None = None
    used: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)
    is_part: bool = False
    """Whether something of what is left out says something of the patient."""


class Account(NamedTuple):
    """What of a resource is in its events and what is not, and why: read only, since many records have the same."""

    used: frozenset[str]
    left_out: Mapping[str, str]
    is_part: bool


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
        self._subject_names = tuple(dict.fromkeys(["resourceType", *(path.split(".")[0] for path in rule.subject)]))
        self._judge = lru_cache(maxsize=10_000)(self._judged)
        self._accounts: dict[object, Account] = {}

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
            if steps[0].name in resource and not values.isdisjoint(words_at(resource, steps)):
                return f"its {steps[0].name} says that it does not hold"
        return MODIFIED if resource.get("modifierExtension") else None

    def take(self, resource: Mapping[str, Any], defined: Definitions) -> Taken:
        """Its events, and an account of every element."""
        whole = Place(resource, ())
        taken, used = Taken(), list[Path]()
        beside, failed = dict[Path, str](), dict[Path, str]()
        shared: dict[object, Any] = {}
        for group in self._groups:
            each = group[0].each
            for item in [whole] if each is None else items(whole, each):
                lacks = self._first_of(group, finder_of(whole, item, defined, shared), taken)
                if lacks and item.path:
                    failed[item.path] = reason_of(lacks)
        for path, rule in self._texts:
            self._take_texts(path, rule, finder_of(whole, whole, defined, shared), taken, beside)
        for event in taken.events:
            used += event.used
            beside |= event.beside
            taken.is_part |= event.lacks is not None
        for path, reason in failed.items():
            if not any(one[: len(path)] == path for one in used):
                beside[path] = reason
        self._account(resource, used, beside, taken)
        return taken

    def _visit_of(self, resource: Mapping[str, Any]) -> tuple[str | None, Path]:
        """The id of the visit that its events belong to."""
        place = self._visit.find(finder_of(Place(resource, ()), Place(resource, ()), {})) if self._visit else None
        if place is None or type(place.node) is not str:
            return None, ()
        return place.node.partition("/_history/")[0].rsplit("/", 1)[-1].removeprefix("urn:uuid:"), place.path

    def _first_of(self, group: list[EventRule], finder: Finder, taken: Taken) -> list[str]:
        """What was lacking, where no rule of the group gives an event."""
        missed: list[str] = []
        if finder.item.path and type(finder.item.node) is dict and finder.item.node.get("modifierExtension"):
            missed, group = [MODIFIED], []
        for rule in group:
            result = rule.apply(finder)
            if isinstance(result, Found):
                taken.events.append(result)
                return []
            missed.append(result)
            if result == NO_CODE_IN_PROFILE:
                # What it is was found: another rule would say something else of it.
                break
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
            result = rule.apply(finder_of(finder.resource, item, finder.defined, finder.shared))
            if isinstance(result, Found):
                result.text = document.text()
                result.used += [place.at(name) for name in ("data", "contentType") if name in place.node]
                taken.events.append(result)
            else:
                taken.lacking.append(result)

    def _account(self, resource: Mapping[str, Any], used: list[Path], beside: Mapping[Path, str], taken: Taken) -> None:
        if not taken.events:
            return
        taken.visit, path = self._visit_of(resource)
        if taken.visit is not None:
            used.append(path)
        used += ((name,) for name in self._subject_names if name in resource)
        paths = frozenset((*used, *beside))
        tree, _ = used_of(paths)
        key = paths, frozenset(beside.items()), shape_of(resource, tree)
        account = self._accounts.get(key)
        if account is None:
            account = self._account_of(resource, paths, beside)
            if len(self._accounts) >= _MOST_ACCOUNTS:
                self._accounts.clear()
            self._accounts[key] = account
        taken.used, taken.left_out = account.used, account.left_out
        taken.is_part |= account.is_part

    def _account_of(self, resource: Mapping[str, Any], paths: frozenset[Path], beside: Mapping[Path, str]) -> Account:
        tree, names = used_of(paths)
        set_aside = {name_of_path(path): reason for path, reason in beside.items()}
        left_out: dict[str, str] = {}
        part = any(reason not in _HARMLESS for reason in set_aside.values())
        for name, default in left_over(resource, tree):
            left_out[name], is_part = self._judge(name, default)
            part |= is_part
        return Account(names.difference(set_aside), {**left_out, **set_aside}, part)

    def _judged(self, name: str, default: str) -> tuple[str, bool]:
        """Why an element is left out, and whether that says something of the patient."""
        harmless = self._beside.of(name)
        return self._reasons.of(name) or harmless or default, harmless is None and default != ANOTHER_CODING


def reason_of(lacking: Iterable[str]) -> str:
    """Why a resource gives no event: what is most worth saying."""
    said = list(lacking)
    return next((reason for reason in (MODIFIED, NO_CODE_IN_PROFILE, *LACKS) if reason in said), (said or [NO_RULE])[0])
