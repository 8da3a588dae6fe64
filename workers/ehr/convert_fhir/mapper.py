"""From lines of NDJSON and documents of JSON to events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from schemas.status import Status
from workers.ehr.convert_fhir.coding import Definitions, Vocabulary
from workers.ehr.convert_fhir.events import BAD, Found
from workers.ehr.convert_fhir.resources import ResourceRule, Taken, reason_of
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.fhir.bundles import Record, records_of, resolved
from workers.ehr.fhir.line import Line
from workers.ehr.fhir.times import Moment
from workers.ehr.meds.parts import CONVERTED, IGNORED, PARTLY, UNREADABLE, Element, Part, events_frame, outcomes_frame
from workers.ehr.meds.rules import Profile

NO_RULE_FOR_TYPE = "no rule for resources of its type"
TOO_DEEP = "nested without end"
REFERRED_TO = "its code is taken where others refer to it"


@dataclass(frozen=True)
class Known:
    """What the whole export says of single resources: which are superseded, by place and number, and why; and the code
    of what others refer to."""

    superseded: Mapping[tuple[int, int], str] = field(default_factory=dict)
    defined: Definitions = field(default_factory=dict)


class FhirMapper:
    """Applies the rules to lines. Keeps nothing between two calls."""

    def __init__(self, rules: FhirRules, profile: Profile = "wardround") -> None:
        vocabulary = vocabulary_of(rules)
        self._rules = {name: ResourceRule(rule, rules, vocabulary, profile) for name, rule in rules.resources.items()}
        self._defines: Collection[str] = rules.defines.keys()

    def part(self, lines: Iterable[Line], file: int, known: Known | None = None) -> Part:
        """Every record's outcome, and all their events. `known` is of this file."""
        rows, known = _Rows(file), known or Known()
        for line in lines:
            rows.new_line()
            for record in records_of(line):
                try:
                    self._record(record, rows, known)
                except RecursionError:
                    # What JSON still reads may be too deep for what walks it; nothing of it has been written yet.
                    rows.outcome(Status.UNREADABLE, UNREADABLE, TOO_DEEP, record.kind)
        return rows.finish()

    def _record(self, record: Record, rows: _Rows, known: Known) -> None:
        if record.trouble is not None:
            return rows.outcome(record.trouble, UNREADABLE, record.reason, record.kind)
        if record.resource is None or record.kind is None:
            return rows.outcome(Status.OK, IGNORED, record.reason, record.kind)
        superseded = known.superseded.get((record.position, record.number))
        if superseded is not None:
            return rows.outcome(Status.OK, IGNORED, superseded, record.kind)
        rule = self._rules.get(record.kind)
        if rule is None:
            reason = REFERRED_TO if record.kind in self._defines else NO_RULE_FOR_TYPE
            return rows.outcome(Status.OK, IGNORED, reason, record.kind)
        resource = resolved(record.resource, record.urns)
        refused = rule.refused(resource)
        if refused is not None:
            return rows.outcome(Status.OK, IGNORED, refused, record.kind)
        subject, reason = rule.subject(resource)
        if subject is None:
            return rows.outcome(Status.OK, IGNORED, reason, record.kind)
        taken = rule.take(resource, known.defined)
        if not taken.events:
            is_bad = BAD in taken.lacking
            status = Status.UNREADABLE if is_bad else Status.OK
            outcome, why = (UNREADABLE, BAD) if is_bad else (IGNORED, reason_of(taken.lacking))
            return rows.outcome(status, outcome, why, record.kind)
        rows.events(subject, record.position, taken)
        rows.elements(record.kind, taken)
        return rows.outcome(
            Status.OK,
            PARTLY if taken.is_part else CONVERTED,
            _why(taken),
            record.kind,
            subject,
            len(taken.events),
            list(taken.left_out) or None,
        )


def _why(taken: Taken) -> str | None:
    if BAD in taken.lacking:
        return f"events left out: {BAD}"
    return next((event.lacks for event in taken.events if event.lacks), None)


def vocabulary_of(rules: FhirRules) -> Vocabulary:
    """How these rules name concepts."""
    return Vocabulary(rules.systems, rules.prefer, rules.units, rules.tables)


class _Rows:
    """Columns while they grow."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.outcomes: tuple[list[Any], ...] = ([], [], [], [], [], [], [])
        self.found: list[tuple[str, int, int, str | None, Found]] = []
        self.codes: dict[str, str | None] = {}
        self._counts: dict[tuple[str, frozenset[str], frozenset[tuple[str, str]]], int] = {}
        self._of_line = 0

    def new_line(self) -> None:
        """Events are numbered through all records of a line."""
        self._of_line = 0

    def outcome(
        self,
        status: Status,
        outcome: str,
        reason: str | None,
        kind: str | None = None,
        subject: str | None = None,
        n_events: int = 0,
        left_out: list[str] | None = None,
    ) -> None:
        """What became of the next record."""
        row = (subject, str(status), outcome, reason, kind, n_events, left_out)
        for column, value in zip(self.outcomes, row, strict=True):
            column.append(value)

    def elements(self, kind: str, taken: Taken) -> None:
        """Count what of a record is in its events, and what is not."""
        key = kind, taken.used, frozenset(taken.left_out.items())
        self._counts[key] = self._counts.get(key, 0) + 1

    def events(self, subject: str, position: int, taken: Taken) -> None:
        """Events of one record."""
        for event in taken.events:
            self.found.append((subject, position, self._of_line, taken.visit, event))
            self._of_line += 1
            if self.codes.get(event.code) is None:
                self.codes[event.code] = event.description

    def finish(self) -> Part:
        """The part."""
        found = [event for *_, event in self.found]
        times, ends = [event.time for event in found], [event.end for event in found]
        columns: dict[str, object] = {
            "subject": [row[0] for row in self.found],
            "time": _walls(times),
            "offset": [time.offset if time else None for time in times],
            "precision": [time.precision if time else None for time in times],
            "end": _walls(ends),
            "end_offset": [end.offset if end else None for end in ends],
            "code": [event.code for event in found],
            "numeric_value": [event.value for event in found],
            "text_value": [event.text for event in found],
            "unit": [event.unit for event in found],
            "visit_id": [row[3] for row in self.found],
            "range_low": [event.low for event in found],
            "range_high": [event.high for event in found],
            "interpretation": [event.interpretation for event in found],
            "file": [self.file] * len(found),
            "position": [row[1] for row in self.found],
            "event": [row[2] for row in self.found],
        }
        names = ("subject", "status", "outcome", "reason", "kind", "n_events", "left_out")
        outcomes = outcomes_frame(pl.String, dict(zip(names, self.outcomes, strict=True)))
        return Part(events_frame(pl.String, columns), outcomes, self.codes, self._elements())

    def _elements(self) -> dict[Element, int]:
        """Records by element: most records of a kind have the same."""
        found: dict[Element, int] = {}
        for (kind, used, left_out), count in self._counts.items():
            for name, reason in (*((name, None) for name in used), *left_out):
                found[kind, name, reason] = found.get((kind, name, reason), 0) + count
        return found


def _walls(moments: list[Moment | None]) -> pl.Series:
    walls = [moment.wall if moment else None for moment in moments]
    return pl.Series(walls, dtype=pl.Int64).cast(pl.Datetime("us"))
