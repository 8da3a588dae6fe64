"""Rules of a few lines over resources of a few fields, the events by hand."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest

from schemas.status import Status
from workers.ehr.convert_fhir.mapper import FhirMapper
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.fhir.line import Line
from workers.ehr.meds.parts import Part

RULES = FhirRules.model_validate(
    {
        "systems": {"http://loinc.org": "LOINC"},
        "resources": {
            "Observation": {
                "subject": ["subject.reference"],
                "unless": {"status": ["entered-in-error"]},
                "events": [
                    {
                        "one_of": [
                            {"code": ["LAB", "$code"], "time": ["issued", "effective"], "value": "quantity.value"},
                            {"code": ["LAB", "$code"], "time": ["issued", "effective"], "text": "valueString"},
                        ]
                    },
                    {"each": "component", "code": ["PART", "$.code"], "value": ".value?"},
                ],
            },
            "Note": {
                "subject": ["subject.reference"],
                "events": [{"code": ["NOTE"], "time": ["date"], "attachment": "content"}],
            },
        },
    }
)
LOINC = {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]}


def observation(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "subject": {"reference": "Patient/p1"}, "code": LOINC, **fields}


def mapped(*resources: Any) -> Part:
    bodies = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in resources]
    return FhirMapper(RULES).part([Line(100 * n, body) for n, body in enumerate(bodies)], file=7)


def outcome(resource: Any) -> tuple[str, str, str | None]:
    (row,) = mapped(resource).outcomes.select("status", "outcome", "reason").rows()
    return row


def test_an_event_has_the_code_the_value_and_the_place_of_its_line() -> None:
    part = mapped(b"", observation(issued="2020-05-03T10:00:00+02:00", quantity={"value": 13.5}))
    said = ["subject", "time", "offset", "code", "numeric_value", "text_value", "file", "position", "event"]
    assert part.events.select(said).rows() == [
        ("p1", datetime(2020, 5, 3, 10), 120, "LAB//LOINC/718-7", 13.5, None, 7, 100, 0)
    ]
    assert part.codes == {"LAB//LOINC/718-7": "Hemoglobin"}
    assert part.outcomes.drop("left_out").rows() == [
        (None, "ok", "ignored", "an empty line", None, 0),
        ("p1", "ok", "converted", None, "Observation", 1),
    ]


def test_the_first_alternative_that_gives_an_event_is_the_only_one() -> None:
    both = mapped(observation(issued="2020", quantity={"value": 1}, valueString="high")).events
    text = mapped(observation(issued="2020", valueString="high")).events
    assert both.select("numeric_value", "text_value").rows() == [(1.0, None)]
    assert text.select("numeric_value", "text_value").rows() == [(None, "high")]


def test_of_two_times_the_first_that_is_said_counts_though_it_cannot_be_read() -> None:
    said = outcome(observation(issued="yesterday", effective="2020-01-01", quantity={"value": 1}))
    assert said == ("unreadable", "unreadable", "a time, number or text that cannot be read")


def test_each_item_of_a_list_is_an_event_numbered_in_its_record() -> None:
    parts = [{"code": LOINC, "value": 1}, {"value": 2}, {"code": {"text": "left arm"}}]
    events = mapped(observation(component=parts)).events
    assert events.select("time", "code", "numeric_value", "event").rows() == [
        (None, "PART//LOINC/718-7", 1.0, 0),
        (None, "PART//TEXT/left arm", None, 1),
    ]


def test_what_is_left_out_of_a_converted_record_is_counted() -> None:
    part = mapped(observation(issued="2020", quantity={"value": 1}, component=[{"code": LOINC, "value": "x"}] * 2))
    assert part.outcomes.select("outcome", "reason", "left_out").rows() == [
        ("partly", "events left out: a time, number or text that cannot be read", ["component"])
    ]
    assert part.events.height == 1


@pytest.mark.parametrize("value", ["13.5", True, 1e39, [], {}])
def test_what_is_no_number_of_float32_is_not_made_one(value: Any) -> None:
    part = mapped(observation(issued="2020", quantity={"value": value}))
    assert part.events.height == 0


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"resourceType": "Basic"}, ("ok", "ignored", "no rule for resources of its type")),
        (observation(status="entered-in-error"), ("ok", "ignored", "its status says that it does not hold")),
        (observation(subject={"reference": "Group/1"}), ("ok", "ignored", "its subject is not a patient")),
        (observation(subject=None), ("ok", "ignored", "no subject")),
        (observation(quantity={"value": 1}), ("ok", "ignored", "no time")),
        (observation(issued="2020"), ("ok", "ignored", "no value")),
        (observation(code={}, issued="2020", quantity={"value": 1}), ("ok", "ignored", "no code")),
        ({"resourceType": "../x"}, ("unreadable", "unreadable", "no resourceType")),
        ({}, ("unreadable", "unreadable", "no resourceType")),
        ([], ("unreadable", "unreadable", "not a JSON object")),
        (b'{"resourceType": NaN}', ("unreadable", "unreadable", "not JSON")),
        (b'{"resourceType": "Basic", "a": "\\ud800"}', ("unreadable", "unreadable", "not JSON")),
        (b"[" * 100_000, ("unreadable", "unreadable", "not JSON")),
        (b" \r", ("ok", "ignored", "an empty line")),
    ],
)
def test_a_record_without_events_says_why(resource: Any, said: tuple[str, str, str]) -> None:
    assert outcome(resource) == said


@pytest.mark.parametrize(
    ("attachment", "said"),
    [
        ({"contentType": "application/pdf", "data": "AAAA"}, ("ok", "ignored", "no text inside it")),
        ({"contentType": "text/plain", "url": "elsewhere"}, ("ok", "ignored", "no text inside it")),
        ({"contentType": "text/plain", "data": "%"}, ("unreadable", "unreadable")),
        ({"contentType": "text/plain; charset=martian", "data": "AAAA"}, ("unreadable", "unreadable")),
    ],
)
def test_an_attachment_that_is_no_text_is_told_from_one_that_is_damaged(attachment: Any, said: tuple[str, ...]) -> None:
    note = {"resourceType": "Note", "subject": {"reference": "Patient/1"}, "date": "2020", "content": attachment}
    assert outcome(note)[: len(said)] == said


def test_an_attachment_is_decoded_by_its_character_set() -> None:
    data = base64.b64encode("Übelkeit".encode("latin-1")).decode()
    content = {"contentType": "text/plain; charset=iso-8859-1", "data": data}
    note = {"resourceType": "Note", "subject": {"reference": "Patient/1"}, "date": "2020", "content": content}
    assert mapped(note).events["text_value"].to_list() == ["Übelkeit"]


def test_a_byte_order_mark_counts_only_at_the_start_of_the_file() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"resourceType": "Basic"}).encode()
    assert mapped(body, body).outcomes["outcome"].to_list() == ["ignored", "unreadable"]


def test_a_line_that_could_not_be_had_keeps_its_status() -> None:
    part = FhirMapper(RULES).part([Line(0, b"", Status.TOO_LARGE, "longer than 5 bytes")], 0)
    assert part.outcomes.select("status", "outcome", "reason").rows() == [
        ("too_large", "unreadable", "longer than 5 bytes")
    ]
