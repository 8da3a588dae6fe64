"""An export with everything at once: versions, deletions, references, Bundles on lines and in files, end to end."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import Store, open_store
from jobs.cli.summary import as_table
from jobs.reporting.report import render
from jobs.running import Outcome
from jobs.verification.verify import verify
from schemas.errors import SpecError, VerificationError
from schemas.run import Manifest
from tests.support.fhir import PATIENT, SUBJECT, bundle, observation
from tests.support.meds import account, codes, convert_spec, events, run_convert
from workers.finished_runs.documents import read_manifest, read_run

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
MEDICATION = {
    "resourceType": "Medication",
    "id": "1",
    "code": {"coding": [{"system": RXNORM, "code": "860975", "display": "metformin"}]},
}
REQUEST = {
    "resourceType": "MedicationRequest",
    "id": "r",
    "subject": SUBJECT,
    "authoredOn": "2024-03-05T10:00:00Z",
    "medicationReference": {"reference": "Medication/1"},
}


def synthea() -> dict[str, Any]:
    """A patient with a visit and a result, which refer to each other by the names of their entries."""
    by = {"subject": {"reference": "urn:uuid:aa-1"}, "encounter": {"reference": "urn:uuid:ee-1"}}
    seen = {name: item for name, item in observation("", **by).items() if name != "id"}
    patient = {name: item for name, item in PATIENT.items() if name != "id"}
    visit = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "urn:uuid:aa-1"},
        "period": {"start": "2024-03-05T09:00:00+01:00", "end": "2024-03-05T10:00:00+01:00"},
    }
    entries = [("aa-1", patient), ("ee-1", visit), ("oo-1", seen)]
    post = {"request": {"method": "POST", "url": "x"}}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"fullUrl": f"urn:uuid:{name}", "resource": one, **post} for name, one in entries],
    }


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Converted from a manifest and the files that it names."""
    folder = tmp_path_factory.mktemp("everything")
    (folder / "in").mkdir()
    deletion = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Observation/gone"}}]}
    files: dict[str, list[dict[str, Any]]] = {
        "a.ndjson": [PATIENT, observation("o1", 1, meta={"versionId": "1"}), REQUEST, observation("gone", 5)],
        "b.ndjson": [observation("o1", 2, meta={"versionId": "2"}), MEDICATION, PATIENT],
        "c.ndjson": [bundle("searchset", observation("o3", 3), observation("o4", 4, status="entered-in-error"))],
        "deleted.ndjson": [deletion],
    }
    for name, resources in files.items():
        (folder / "in" / name).write_text("".join(json.dumps(one) + "\n" for one in resources))
    (folder / "in/Ada_1.json").write_text(json.dumps(synthea(), indent=2))
    (folder / "in/Bob_2.json.gz").write_bytes(gzip.compress(json.dumps({**PATIENT, "id": "p2"}, indent=2).encode()))
    output = [{"url": name} for name in ("a.ndjson", "b.ndjson", "c.ndjson", "Ada_1.json", "Bob_2.json.gz")]
    lists = {"transactionTime": "2024", "output": output, "deleted": [{"url": "deleted.ndjson"}]}
    (folder / "in/manifest.json").write_text(json.dumps(lists))
    uri = folder / "in/manifest.json"
    return run_convert(convert_spec(f"format: fhir, uri: {uri}, chunk_bytes: 300", str(folder / "out")))


def test_every_record_of_every_file_says_what_became_of_it(export: Store) -> None:
    rows = account(export).select(pl.col("record_id").str.split("/").list.last(), "outcome", "reason", "n_events")
    assert rows.rows() == [
        ("a.ndjson#0", "ignored", "repeated: the same version again", 0),
        ("a.ndjson#1", "ignored", "repeated: a newer version counts", 0),
        ("a.ndjson#2", "converted", None, 1),
        ("a.ndjson#3", "ignored", "deleted since", 0),
        ("b.ndjson#0", "converted", None, 1),
        ("b.ndjson#1", "ignored", "its code is taken where others refer to it", 0),
        ("b.ndjson#2", "converted", None, 2),
        ("c.ndjson#0", "converted", None, 1),
        ("c.ndjson#1", "ignored", "its status says that it does not hold", 0),
        ("Ada_1.json#0", "converted", None, 2),
        ("Ada_1.json#1", "converted", None, 2),
        ("Ada_1.json#2", "converted", None, 1),
        ("Bob_2.json.gz#0", "converted", None, 2),
        ("deleted.ndjson#0", "ignored", "it was deleted", 0),
    ]


def test_events_are_of_the_newest_versions_and_of_whom_they_refer_to(export: Store) -> None:
    found = events(export)
    assert found["subject_id"].n_unique() == 3
    labs = found.filter(pl.col("code") == "LAB//LOINC/2160-0//mg/dL")
    assert sorted(labs["numeric_value"]) == [1.0, 2.0, 3.0]
    assert labs["visit_id"].drop_nulls().to_list() == ["e1"]
    assert found.filter(pl.col("code") == "ENCOUNTER_START//AMB")["end"].is_not_null().all()
    assert dict(codes(export).select("code", "description").iter_rows())["MEDICATION//RxNorm/860975"] == "metformin"


def test_summary_report_and_manifest_show_what_became_of_each_type(export: Store) -> None:
    manifest, run = read_manifest(export), read_run(export)
    assert manifest is not None
    assert run is not None
    told = [tuple(row.values()) for row in manifest.tables["records by type"]]
    assert ("Observation", "converted", None, 3, 3) in told
    assert ("Observation", "ignored", "its status says that it does not hold", 1, 0) in told
    assert sum(records for *_, records, _ in told) == manifest.records
    assert sum(count for *_, count in told) == events(export).height
    elements = {(row["kind"], row["element"]): row["reason"] for row in manifest.tables["elements"]}
    assert elements["Observation", "valueQuantity.value"] is None
    assert elements["Observation", "id"] == "names or versions the record"
    summary, page = as_table(Outcome(manifest, export.uri, False, 1.0)), render(run, manifest, export.uri)
    for text in ("records by type", "its status says that it does not hold", "time zones"):
        assert text in summary
        assert text in page.lower()


def test_a_table_that_says_something_else_than_the_rows_is_found(export: Store, tmp_path: Path) -> None:
    shutil.copytree(export.uri.removeprefix("file://"), tmp_path / "copy")
    path = tmp_path / "copy/manifest.json"
    manifest = Manifest.decode(path.read_bytes(), "manifest.json")
    first, *others = manifest.tables["records by type"]
    rows = ({**first, "records": first["records"] + 1}, *others)
    # Sealed anew, as by somebody who knows how.
    path.write_bytes(manifest.model_copy(update={"tables": {**manifest.tables, "records by type": rows}}).encode())
    with pytest.raises(VerificationError, match="other tables than plan and rows give"):
        verify(open_store(str(tmp_path / "copy")))


def test_a_conversion_without_events_ends_with_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [{"resourceType": "CareTeam"}, {"resourceType": "Bundle", "type": "batch"}, {"resourceType": "CareTeam"}]
    (tmp_path / "in/all.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    said = "2 CareTeam: no rule for resources of its type; 1 Bundle: a Bundle without entries"
    with pytest.raises(SpecError, match=said):
        run_convert(convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
