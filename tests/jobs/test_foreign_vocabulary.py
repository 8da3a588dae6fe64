"""A model whose vocabulary was made elsewhere, shown data that were converted here: it knows every code of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.meds import convert_spec, events, run_convert
from tests.support.runs import rows, run
from workers.ehr.events.formats.make_directory import make_event_model_directory

FOREIGN = ("Gender/F", "Visit/IP", "SNOMED/44054006", "LOINC/2160-0", "RxNorm/1191")
"""Codes as meds_etl and CLMBR publish them."""
BIRTH = {"meds_etl": "MEDS_BIRTH", "clmbr": "SNOMED/3950001"}
NOON = "2024-03-05T12:00:00Z"

CONCEPTS = """concept_id\tconcept_name\tvocabulary_id\tconcept_code
8532\tFEMALE\tGender\tF
9201\tInpatient Visit\tVisit\tIP
201826\tType 2 diabetes mellitus\tSNOMED\t44054006
3016723\tCreatinine\tLOINC\t2160-0
8840\tmilligram per deciliter\tUCUM\tmg/dL
1112807\taspirin\tRxNorm\t1191
"""
TABLES = {
    "CONCEPT": CONCEPTS,
    "person": "person_id,gender_concept_id,year_of_birth,birth_datetime\n1,8532,1960,1960-05-05 10:00:00\n",
    "visit_occurrence": "visit_occurrence_id,person_id,visit_concept_id,visit_start_datetime\n"
    "1,1,9201,2024-03-05 08:00:00\n",
    "condition_occurrence": "condition_occurrence_id,person_id,condition_concept_id,condition_start_datetime\n"
    "1,1,201826,2024-03-05 12:00:00\n",
    "measurement": "measurement_id,person_id,measurement_concept_id,measurement_datetime,value_as_number,"
    "unit_concept_id\n1,1,3016723,2024-03-05 12:00:00,1.5,8840\n",
    "drug_exposure": "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_datetime,quantity\n"
    "1,1,1112807,2024-03-05 12:00:00,30\n",
}


def coded(system: str, code: str) -> dict[str, object]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


SUBJECT = {"subject": {"reference": "Patient/p1"}}
RESOURCES: list[dict[str, object]] = [
    {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-05"},
    {"resourceType": "Encounter", "id": "e", **SUBJECT, "class": {"code": "IMP"}, "period": {"start": NOON}},
    {
        "resourceType": "Condition",
        "id": "c",
        **SUBJECT,
        "recordedDate": NOON,
        "code": coded("http://snomed.info/sct", "44054006"),
    },
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        **SUBJECT,
        "effectiveDateTime": NOON,
        "code": coded("http://loinc.org", "2160-0"),
        "valueQuantity": {"value": 1.5, "code": "mg/dL"},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m",
        **SUBJECT,
        "authoredOn": NOON,
        "medicationCodeableConcept": coded("http://www.nlm.nih.gov/research/umls/rxnorm", "1191"),
    },
]


def write_source(folder: Path, kind: str) -> None:
    """One patient, as either format has her."""
    folder.mkdir()
    if kind == "fhir":
        (folder / "all.ndjson").write_text("".join(json.dumps(one) + "\n" for one in RESOURCES))
    else:
        for name, text in TABLES.items():
            (folder / f"{name}.csv").write_text(text)


def scored(folder: Path, vocabulary: Sequence[str]) -> dict[str, Any]:
    """The one row of a model with this vocabulary, which was made without our data."""
    settings = {"embedding": 4, "hidden": 4, "inputs": ["age"]}
    model = make_event_model_directory(
        folder / "model", "event_rnn", pa.table({"code": list(vocabulary)}), settings=settings
    )
    run(
        f"job: predict\nname: p\ninput: {{collection: events, uri: {folder / 'out/meds'}, "
        "task: {at: '2024-04-01'}}\n"
        f"models: {{gru: {{uri: {model}}}}}\noutput: {{uri: {folder / 'rows'}}}\ncompute: {{pool: serial}}\n"
    )
    (row,) = rows(folder / "rows").to_dicts()
    return row


@pytest.mark.parametrize("kind", ["fhir", "omop"])
@pytest.mark.parametrize("profile", ["meds_etl", "clmbr"])
def test_a_vocabulary_made_elsewhere_knows_every_code(tmp_path: Path, kind: str, profile: str) -> None:
    write_source(tmp_path / "in", kind)
    source = f"format: {kind}, uri: {tmp_path / 'in'}, codes: {profile}"
    store = run_convert(convert_spec(source, str(tmp_path / "out")))
    assert sorted(events(store)["code"]) == sorted([*FOREIGN, BIRTH[profile]])
    assert events(store).filter(code="LOINC/2160-0")["unit"].to_list() == ["mg/dL"]
    found = scored(tmp_path, [*FOREIGN, BIRTH[profile]])
    assert (found["status"], found["n_events"], found["oov_rate"]) == ("ok", 6, 0)


@pytest.mark.parametrize("kind", ["fhir", "omop"])
def test_our_own_codes_are_all_unknown_to_it_and_the_row_says_so(tmp_path: Path, kind: str) -> None:
    write_source(tmp_path / "in", kind)
    run_convert(convert_spec(f"format: {kind}, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    assert scored(tmp_path, FOREIGN)["oov_rate"] == 1
