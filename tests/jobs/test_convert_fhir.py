"""A small bulk export with all that can be wrong with one, converted end to end."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import Store, open_store
from jobs.running import run_stages
from schemas.errors import FingerprintError, SpecError
from tests.support.meds import CASES, account, codes, convert_spec, events, run_convert
from tests.support.seaweed import S3

EXPORT = CASES / "fhir"
EXPECTED = CASES / "fhir-expected"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The export, converted in one piece."""
    output = tmp_path_factory.mktemp("fhir") / "out"
    return run_convert(convert_spec(f"format: fhir, uri: {EXPORT / 'manifest.json'}", str(output)))


def test_every_line_has_a_row_that_says_what_became_of_it(clean: Store) -> None:
    expected = pl.read_csv(EXPECTED / "account.csv", infer_schema=False)
    found = account(clean)
    assert found.select(expected.columns).cast(pl.String).equals(expected)
    assert found.filter(pl.col("status") != "ok").select(pl.col("detail") == pl.col("reason")).to_series().all()
    lines = sum(_lines(EXPORT / name) for name in ("Patient", "Encounter", "Condition", "rest", "Observation"))
    promised = found.filter(pl.col("record_id").str.ends_with("#promised"))
    assert promised["reason"].to_list() == ["the file has 9 records, not as many as its source promised"]
    assert found.height == lines + promised.height


def _lines(stem: Path) -> int:
    plain = stem.with_suffix(".ndjson")
    body = plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_suffix(".ndjson.gz").read_bytes())
    return len(body.splitlines())


def test_the_dataset_is_valid_meds_and_what_the_resources_say(clean: Store) -> None:
    expected = pl.read_csv(EXPECTED / "events.csv", infer_schema=False)
    found = events(clean).select(expected.columns)
    assert found.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")).cast(pl.String).equals(expected)
    assert account(clean)["n_events"].sum() == found.height
    described = dict(codes(clean).select("code", "description").iter_rows())
    assert described["CONDITION//SNOMED/44054006"] == "Type 2 diabetes"


@pytest.mark.parametrize("cut", ["chunk_bytes: 700, bucket_bytes: 900", "chunk_bytes: 1MiB, bucket_bytes: 400"])
def test_how_the_work_is_cut_changes_nothing(clean: Store, tmp_path: Path, cut: str) -> None:
    source = f"format: fhir, uri: {EXPORT / 'manifest.json'}, {cut}"
    found = run_convert(convert_spec(source, str(tmp_path / "out"), "pool: serial, shard_records: 7"))
    assert events(found).equals(events(clean))
    assert account(found).equals(account(clean))
    assert codes(found).equals(codes(clean))


@pytest.mark.long
def test_the_same_export_on_s3_gives_the_same_dataset(clean: Store, s3: S3, bucket_prefix: str) -> None:
    inside = open_store(f"{bucket_prefix}/in", s3.settings)
    for path in EXPORT.iterdir():
        inside.put(path.name, path.read_bytes(), {})
    source = f"format: fhir, uri: {bucket_prefix}/in/manifest.json, chunk_bytes: 700, bucket_bytes: 900"
    storage = f"storage: {{endpoint_url: '{s3.endpoint_url}'}}\n"
    found = run_convert(convert_spec(source, f"{bucket_prefix}/out", more=storage), s3.settings)
    assert events(found).equals(events(clean))
    assert account(found).equals(account(clean))


def test_a_directory_is_read_by_the_names_of_its_files(clean: Store, tmp_path: Path) -> None:
    found = run_convert(convert_spec(f"format: fhir, uri: {EXPORT}", str(tmp_path / "out")))
    assert events(found)["code"].value_counts().sort("code").equals(events(clean)["code"].value_counts().sort("code"))
    told = account(found)
    assert told.filter(record_id="manifest.json#0")["reason"].to_list() == ["the manifest of a bulk export"]
    promised = {"rest.ndjson#promised"}
    assert set(told["record_id"]) == (set(account(clean)["record_id"]) - promised) | {"manifest.json#0"}


def test_a_gzipped_file_that_ends_early_keeps_its_whole_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"resourceType": "Patient", "id": f"p{n}", "gender": "x" * (n % 50)}) for n in range(3000)]
    body = gzip.compress("\n".join(lines).encode())
    (tmp_path / "in").mkdir()
    (tmp_path / "in/Patient.ndjson.gz").write_bytes(body[: len(body) // 2])
    (tmp_path / "in/Z.ndjson").write_text(lines[0])
    found = account(run_convert(convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out"))))
    broken = found.filter(pl.col("status") == "unreadable")
    assert broken["reason"].to_list() == ["the gzipped file ends early"]
    assert broken["record_id"].to_list() == [f"Patient.ndjson.gz#{found.height - 2}"]
    assert 1000 < found.height < 2500
    assert found["outcome"].to_list()[-1] == "ignored"


def test_a_file_that_changed_since_it_was_planned_costs_its_own_records_only(tmp_path: Path) -> None:
    shutil.copytree(EXPORT, tmp_path / "in")
    spec = convert_spec(f"format: fhir, uri: {tmp_path / 'in'}", str(tmp_path / "out"))
    with pytest.raises(RuntimeError):
        _plan_then_stop(spec)
    with (tmp_path / "in/Condition.ndjson").open("a") as file:
        file.write("{}\n")
    (tmp_path / "in/rest.ndjson").unlink()
    found = account(run_convert(spec))
    assert found.filter(pl.col("status") == "input_changed")["record_id"].to_list() == ["Condition.ndjson#0"]
    assert found.filter(pl.col("status") == "missing")["record_id"].to_list() == ["rest.ndjson#0"]
    assert found.filter(pl.col("kind") == "Patient").height == 5


def _plan_then_stop(text: str) -> None:
    from schemas.spec import parse_spec
    from tests.support.runs import QUIET

    def refuse(spec: object, job: object) -> object:
        raise RuntimeError("no worker today")

    run_stages(parse_spec(text), refuse, QUIET, lambda line: None)


def test_other_rules_are_another_run(clean: Store, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("resources: {Patient: {subject: [id], events: [{code: [SEX, $gender]}]}}")
    source = f"format: fhir, uri: {EXPORT}, rules: {rules}"
    found = run_convert(convert_spec(source, str(tmp_path / "out")))
    assert sorted(set(events(found)["code"])) == ["SEX//female", "SEX//male", "SEX//other"]
    rules.write_text("resources: {Patient: {subject: [id], events: [{code: [GENDER, $gender]}]}}")
    with pytest.raises(FingerprintError, match="what earlier stages found"):
        run_convert(convert_spec(source, str(tmp_path / "out")))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("resources: {Patient: {subjekt: [id], events: []}}", "unknown key 'resources.Patient.subjekt'"),
        ("resources: {Patient: {subject: [id], events: [{code: [X, $.a]}]}}", "needs `each`"),
        ("resources: [", "not valid YAML near line"),
    ],
)
def test_wrong_rules_are_named(tmp_path: Path, rules: str, message: str) -> None:
    (tmp_path / "rules.yaml").write_text(rules)
    source = f"format: fhir, uri: {EXPORT}, rules: {tmp_path / 'rules.yaml'}"
    with pytest.raises(SpecError, match=message):
        run_convert(convert_spec(source, str(tmp_path / "out")))


def test_a_manifest_whose_files_are_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    manifest = tmp_path / "in/manifest.json"
    manifest.write_text(json.dumps({"output": [{"type": "Patient", "url": "https://x.example/a/Patient.ndjson"}]}))
    with pytest.raises(SpecError, match="file 1 of the manifest is not beside it"):
        run_convert(convert_spec(f"format: fhir, uri: {manifest}", str(tmp_path / "out")))
    manifest.write_text(json.dumps({"output": [{"type": "Patient", "url": "../../etc/Patient.ndjson"}]}))
    with pytest.raises(SpecError, match="file 1 of the manifest is not beside it"):
        run_convert(convert_spec(f"format: fhir, uri: {manifest}", str(tmp_path / "out")))


def test_a_simulated_hospital_becomes_one_dataset(tmp_path: Path) -> None:
    pytest.importorskip("clinosim", reason="clinosim simulates the hospital")
    command = [str(Path(sys.executable).with_name("clinosim")), "simulate", "--country", "US", "--population", "10"]
    command += ["--seed", "42", "--format", "fhir-r4", "-o", str(tmp_path / "sim")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    export = tmp_path / "sim/fhir_r4"
    spec = convert_spec(f"format: fhir, uri: {export}/manifest.json, chunk_bytes: 64KiB", str(tmp_path / "out"))
    store = run_convert(spec)
    told, found = account(store), events(store)
    assert told.height == sum(len(path.read_bytes().splitlines()) for path in export.glob("*.ndjson"))
    assert told["n_events"].sum() == found.height > 200
    assert set(told["status"]) == {"ok"}
    patients = [json.loads(line) for line in (export / "Patient.ndjson").read_text().splitlines()]
    assert found.filter(pl.col("code") == "MEDS_BIRTH").height == len(patients)
    assert found["subject_id"].n_unique() == len(patients)
    labs = [json.loads(line) for line in (export / "Observation.ndjson").read_text().splitlines()]
    values = [lab["valueQuantity"]["value"] for lab in labs if "valueQuantity" in lab]
    components = [
        part["valueQuantity"]["value"] for lab in labs for part in lab.get("component", []) if "valueQuantity" in part
    ]
    numbers = found.filter(pl.col("code").str.starts_with("LAB//"))["numeric_value"]
    assert sorted(numbers.to_list()) == sorted(pl.Series(values + components, dtype=pl.Float32).to_list())
    assert codes(store).height > 50
