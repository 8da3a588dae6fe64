"""`wardround plan`: what a run would do, without doing any of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Wardround

MakeSpec = Callable[..., Path]


def test_a_plan_counts_records_shards_bytes_formats_and_what_cannot_be_read(
    wardround: Wardround, make_spec: MakeSpec, archive: Path
) -> None:
    facts = json.loads(wardround("plan", make_spec(), "--json").out)
    assert (facts["records"], facts["shards"], facts["found"]["headers_read"]) == (20, 4, 20)
    assert facts["bytes"] == sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
    assert facts["found"]["formats"]["png"] == 13
    assert facts["found"]["transfer_syntaxes"]["JPEG 2000"] == 1
    assert facts["found"]["would_be_refused"] == {"unreadable": 3, "no_pixels": 1}
    assert facts["output"] == "nothing yet"
    assert facts["looked_at"] == 20


def test_a_plan_says_of_how_many_records_it_speaks_where_it_did_not_look_at_all(
    wardround: Wardround, tmp_path: Path
) -> None:
    (tmp_path / "in.smi").write_text("C\n" * 1500)
    (tmp_path / "model").mkdir()
    model = {"format": "properties", "format_version": 1, "properties": ["tpsa"]}
    (tmp_path / "model" / "config.json").write_text(json.dumps(model))
    spec = tmp_path / "molecules.yaml"
    source = f"{{collection: molecules, uri: {tmp_path / 'in.smi'}}}"
    text = f"job: predict\nname: m\ninput: {source}\nmodels: {{p: {{uri: {tmp_path / 'model'}}}}}\n"
    spec.write_text(text + f"output: {{uri: {tmp_path / 'out'}}}\n")
    assert "1,000 of them, spread; --all for all" in wardround("plan", spec).out
    assert "looked at" not in wardround("plan", spec, "--all").out


def test_a_plan_writes_nothing_at_the_output(wardround: Wardround, make_spec: MakeSpec, tmp_path: Path) -> None:
    assert wardround("plan", make_spec(), "--sample", "6").code == 0
    assert not (tmp_path / "out").exists()


def test_a_plan_names_a_transfer_syntax_that_nothing_decodes(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path, archive: Path
) -> None:
    from pydicom import dcmread

    dataset = dcmread(archive / "dicom" / "JPEG2000.dcm")
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    (tmp_path / "video").mkdir()
    dataset.save_as(tmp_path / "video" / "movie.dcm")
    said = wardround("plan", make_spec(input=f"{{collection: images, uri: {tmp_path}/video}}"))
    assert said.code == 0
    assert "no decoder         MPEG-4 AVC/H.264 High Profile / Level 4.1: " in said.out


@pytest.mark.parametrize("record", ["image", "frame"])
def test_a_sample_is_scored_and_forecasts_the_hours(
    wardround: Wardround, make_spec: MakeSpec, archive: Path, record: str
) -> None:
    spec = make_spec(input=f"{{collection: images, uri: {archive}, record: {record}}}")
    facts = json.loads(wardround("plan", spec, "--sample", "20", "--workers", "4", "--json").out)
    assert facts["sampled"] >= 20
    assert facts["sample_statuses"]["unreadable"] == 3
    assert facts["hours"] == pytest.approx(facts["sample_seconds"] / 4 / 3600, abs=1e-4)


def test_a_plan_says_that_the_run_at_the_output_would_go_on_is_complete_or_is_another(
    wardround: Wardround, make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = make_spec()
    wardround("run", spec)
    assert "this run, complete: nothing to do" in wardround("plan", spec).out
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "predictions" / "shard-000000.parquet").unlink()
    assert "this run, 3 of 4 shards of stage predict done" in wardround("plan", spec).out
    other = make_spec(compute="{pool: serial, shard_records: 5}")
    assert "another run, which would be refused; changed: compute.shard_records" in wardround("plan", other).out


def test_a_carried_attribute_that_dicom_does_not_know_is_named(
    wardround: Wardround, make_spec: MakeSpec, archive: Path
) -> None:
    spec = make_spec(input=f"{{collection: images, uri: {archive}, format: dicom, carry: [PatientIDD]}}")
    said = wardround("plan", spec)
    assert said.code == 2
    assert "did you mean 'PatientID'?" in said.err
