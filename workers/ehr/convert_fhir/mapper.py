"""From lines of NDJSON to events."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import polars as pl

from schemas.errors import RecordError
from schemas.status import Status
from workers.ehr.convert_fhir.coding import Part as CodePart
from workers.ehr.convert_fhir.coding import compile_part
from workers.ehr.convert_fhir.lines import Line
from workers.ehr.convert_fhir.paths import Getter, Node, attached_text, getter, items, patient_id, patient_of
from workers.ehr.convert_fhir.rules import Event, FhirRules, OneOf, Resource
from workers.ehr.convert_fhir.times import Moment, parse_time
from workers.ehr.meds.parts import BLANK, CONVERTED, IGNORED, UNREADABLE, Part, events_frame, outcomes_frame

_BOM = b"\xef\xbb\xbf"
_LARGEST = float(np.finfo(np.float32).max)

NO_CODE, NO_TIME, NO_VALUE, NO_TEXT = "no code", "no time", "no value", "no text inside it"
BAD = "a time, number or text that cannot be read"


@dataclass(frozen=True)
class Found:
    """An event of one resource. `time` is None for what is static."""

    code: str
    description: str | None
    time: Moment | None
    value: float | None
    text: str | None


class EventRule:
    """One `events` entry of the rules, compiled."""

    def __init__(self, rule: Event, systems: Mapping[str, str]) -> None:
        self.parts: list[CodePart] = [compile_part(part, systems) for part in rule.code]
        self.times = [getter(path) for path in rule.time]
        self.value = _optional(rule.value)
        self.text = _optional(rule.text)
        self.attachment = _optional(rule.attachment)

    def apply(self, resource: Mapping[str, Any], item: Node) -> Found | str:
        """The event, or what it lacks."""
        names = [part(resource, item) for part in self.parts]
        if None in names:
            return NO_CODE
        value, text = None, None
        if self.value is not None:
            said = self.value[0](resource, item)
            value = _number(said)
            if value is None and (said is not None or self.value[1]):
                return NO_VALUE if said is None else BAD
        if self.text is not None:
            text = self.text[0](resource, item)
            text = text if type(text) is str else None
            if text is None and self.text[1]:
                return NO_VALUE
        if self.attachment is not None:
            try:
                text = attached_text(self.attachment[0](resource, item))
            except ValueError:
                return BAD
            if text is None and self.attachment[1]:
                return NO_TEXT
        time = None
        if self.times:
            said = next((t for t in (get(resource, item) for get in self.times) if t is not None), None)
            if said is None:
                return NO_TIME
            time = parse_time(said) if type(said) is str else None
            if time is None:
                return BAD
        texts = [name[1] for name in names if name is not None and name[1] is not None]
        code = "//".join(name[0] for name in names if name is not None)
        return Found(code, "; ".join(texts) or None, time, value, text)


class ResourceRule:
    """The rules of one type of resource, compiled."""

    def __init__(self, rule: Resource, systems: Mapping[str, str]) -> None:
        self.subjects: list[tuple[Getter, Callable[[Node], tuple[str | None, str]]]] = [
            (getter(path), patient_of if path.split(".")[-1] == "reference" else patient_id) for path in rule.subject
        ]
        self.unless = [(getter(path), frozenset(values)) for path, values in rule.unless.items()]
        self.groups: list[tuple[tuple[str, ...] | None, list[EventRule]]] = []
        for entry in rule.events:
            choices = entry.one_of if isinstance(entry, OneOf) else (entry,)
            each = choices[0].each
            names = None if each is None else tuple(each.split("."))
            self.groups.append((names, [EventRule(choice, systems) for choice in choices]))

    def subject(self, resource: Mapping[str, Any]) -> tuple[str | None, str]:
        """The patient's id, else None and why."""
        reason = "no subject"
        for get, read in self.subjects:
            value = get(resource, None)
            if value is not None:
                key, reason = read(value)
                return key, reason
        return None, reason

    def is_withdrawn(self, resource: Mapping[str, Any]) -> bool:
        """Whether its status says that it does not hold."""
        return any(type(said := get(resource, None)) is str and said in values for get, values in self.unless)

    def events(self, resource: Mapping[str, Any]) -> tuple[list[Found], list[str]]:
        """Its events, and what was lacking where nothing came out."""
        found: list[Found] = []
        lacking: list[str] = []
        for each, choices in self.groups:
            for item in [None] if each is None else items(resource, each):
                missed: list[str] = []
                for choice in choices:
                    result = choice.apply(resource, item)
                    if isinstance(result, Found):
                        found.append(result)
                        break
                    missed.append(result)
                else:
                    lacking += missed
        return found, lacking


class FhirMapper:
    """Applies the rules to lines. Keeps nothing between two calls."""

    def __init__(self, rules: FhirRules) -> None:
        self._rules = {name: ResourceRule(rule, rules.systems) for name, rule in rules.resources.items()}

    def part(self, lines: Iterable[Line], file: int) -> Part:
        """Every line's outcome, and all their events."""
        rows = _Rows(file)
        for line in lines:
            self._line(line, rows)
        return rows.finish()

    def _line(self, line: Line, rows: _Rows) -> None:
        if line.trouble is not None:
            rows.outcome(line.trouble, UNREADABLE, line.reason)
            return
        data = line.data.removeprefix(_BOM) if line.position == 0 else line.data
        if not data or data.isspace():
            rows.outcome(Status.OK, IGNORED, BLANK)
            return
        kind = None
        try:
            resource = _parse(data)
            kind = _kind(resource)
            self._resource(resource, kind, line.position, rows)
        except RecordError as error:
            rows.outcome(error.status, UNREADABLE, error.detail, kind)

    def _resource(self, resource: Mapping[str, Any], kind: str, position: int, rows: _Rows) -> None:
        rule = self._rules.get(kind)
        if rule is None:
            return rows.outcome(Status.OK, IGNORED, "no rule for resources of its type", kind)
        if rule.is_withdrawn(resource):
            return rows.outcome(Status.OK, IGNORED, "its status says that it does not hold", kind)
        subject, reason = rule.subject(resource)
        if subject is None:
            return rows.outcome(Status.OK, IGNORED, reason, kind)
        found, lacking = rule.events(resource)
        broken = lacking.count(BAD)
        if found:
            rows.events(subject, position, found)
            left_out = f"{broken} events left out: {BAD}" if broken else None
            return rows.outcome(Status.OK, CONVERTED, left_out, kind, subject, len(found))
        if broken:
            return rows.outcome(Status.UNREADABLE, UNREADABLE, BAD, kind)
        worth = [reason for reason in (NO_TIME, NO_VALUE, NO_CODE) if reason in lacking]
        return rows.outcome(Status.OK, IGNORED, (worth or lacking or ["nothing that rules name"])[0], kind)


class _Rows:
    """Columns while they grow."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.outcomes: tuple[list[Any], ...] = ([], [], [], [], [], [])
        self.found: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [], [])
        self.codes: dict[str, str | None] = {}

    def outcome(
        self,
        status: Status,
        outcome: str,
        reason: str | None,
        kind: str | None = None,
        subject: str | None = None,
        n_events: int = 0,
    ) -> None:
        """What became of the next record."""
        row = (subject, str(status), outcome, reason, kind, n_events)
        for column, value in zip(self.outcomes, row, strict=True):
            column.append(value)

    def events(self, subject: str, position: int, found: Iterable[Found]) -> None:
        """Events of one record."""
        for number, event in enumerate(found):
            wall, offset, precision = event.time or (None, None, None)
            row = (subject, wall, offset, precision, event.code, event.value, event.text, position, number)
            for column, value in zip(self.found, row, strict=True):
                column.append(value)
            if self.codes.get(event.code) is None:
                self.codes[event.code] = event.description

    def finish(self) -> Part:
        """The part."""
        subject, time, offset, precision, code, value, text, position, event = self.found
        columns = {"subject": subject, "time": pl.Series(time, dtype=pl.Int64).cast(pl.Datetime("us")), "code": code}
        columns |= {"offset": offset, "precision": precision}
        columns |= {"numeric_value": value, "text_value": text, "file": [self.file] * len(code)}
        events = events_frame(pl.String, {**columns, "position": position, "event": event})
        names = ("subject", "status", "outcome", "reason", "kind", "n_events")
        outcomes = outcomes_frame(pl.String, dict(zip(names, self.outcomes, strict=True)))
        return Part(events, outcomes, self.codes)


def _parse(data: bytes) -> dict[str, Any]:
    try:
        resource = _DECODER.decode(data.decode())
        if b"\\u" in data:
            # Half of a surrogate pair is JSON by its grammar, and no text.
            json.dumps(resource, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise RecordError(Status.UNREADABLE, "not JSON") from None
    if type(resource) is not dict:
        raise RecordError(Status.UNREADABLE, "not a JSON object")
    return resource


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _kind(resource: Mapping[str, Any]) -> str:
    kind = resource.get("resourceType")
    if type(kind) is not str or not (kind.isascii() and kind.isalnum() and len(kind) <= 64):
        raise RecordError(Status.UNREADABLE, "no resourceType")
    return kind


def _optional(path: str | None) -> tuple[Getter, bool] | None:
    """Where to look, and whether it has to be there."""
    return None if path is None else (getter(path.rstrip("?")), not path.endswith("?"))


def _number(value: Node) -> float | None:
    """A number that fits float32; a boolean is none."""
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and abs(number) <= _LARGEST else None
