"""Resources through the rules of FHIR as a conversion applies them, in this process and without a run."""

from __future__ import annotations

import json
from typing import Any

import yaml

from workers.ehr.convert_fhir.collection import RULES
from workers.ehr.convert_fhir.mapper import FhirMapper, Known, vocabulary_of
from workers.ehr.convert_fhir.resources import ResourceRule, Taken
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.versions import definitions, scanned
from workers.ehr.fhir.line import Line
from workers.ehr.fhir.versions import superseded
from workers.ehr.meds.parts import Part
from workers.ehr.meds.rules import Profile

STANDARD = FhirRules.model_validate(yaml.safe_load(RULES.read_text()))

SUBJECT = {"reference": "Patient/p1"}
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-05"}


def observation(own: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    """A creatinine; `more` replaces what it has, None takes it away."""
    whole = {
        "resourceType": "Observation",
        "id": own,
        "status": "final",
        "subject": SUBJECT,
        "effectiveDateTime": "2024-03-05T10:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "valueQuantity": {"value": value, "code": "mg/dL"},
        **more,
    }
    return {name: item for name, item in whole.items() if item is not None}


def bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    """These resources as entries."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def mapped(*resources: Any, profile: Profile = "wardround", is_document: bool = False) -> Part:
    """What the standard rules make of an export of one file, a resource a line."""
    lines = [Line(n, json.dumps(one).encode(), is_document=is_document) for n, one in enumerate(resources)]
    seen, defined = scanned(lines, 0, STANDARD.defines, vocabulary_of(STANDARD))
    losing = {(position, number): why for _, position, number, why in superseded(seen).iter_rows()}
    return FhirMapper(STANDARD, profile).part(lines, 0, Known(losing, definitions(defined)))


def taken(resource: dict[str, Any]) -> Taken | str:
    """What is taken of one resource, or why it is refused."""
    rule = ResourceRule(
        STANDARD.resources[resource["resourceType"]], STANDARD, vocabulary_of(STANDARD), profile="wardround"
    )
    return rule.refused(resource) or rule.take(resource, {})


def codes(part: Part) -> list[str]:
    """Codes of its events, in their order."""
    found: list[str] = part.events["code"].to_list()
    return found


def outcomes(part: Part) -> list[tuple[str, str | None, int]]:
    """Outcome, reason and number of events of each record."""
    return part.outcomes.select("outcome", "reason", "n_events").rows()
