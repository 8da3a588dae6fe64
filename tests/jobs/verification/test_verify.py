"""Whatever is changed in a finished run, of whichever collection, is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from cluster.storage import open_store
from jobs.cli.main import main
from jobs.verification.verify import verify
from schemas.errors import VerificationError
from tests.chaos.kinds import CASE
from tests.jobs.test_record_objects import spec_of
from tests.support import counting_notes, genotype_runs, meds_runs
from tests.support.genotype_tables import random_vcf
from tests.support.made_run import make_run
from tests.support.meds import convert_spec
from tests.support.meds_data import events, write_dataset
from tests.support.mistakes.world import molecules
from tests.support.note_inputs import some_notes
from tests.support.plink_files import cohort, write_pgen
from tests.support.runs import run
from tests.support.small_run import make_archive
from tests.support.tampering.copies import MANIFEST, Copy, NotHere
from tests.support.tampering.documents import DOCUMENTS
from tests.support.tampering.objects import OBJECTS
from tests.support.variants import random_bases, save_cnn, write_fasta, write_vcf
from tests.workers.evaluation import support as evaluation
from workers import registry


def _images(folder: Path) -> str:
    make_archive(folder / "archive")
    return spec_of(folder, "out").read_text()


def _notes(folder: Path) -> str:
    some_notes(12).write_parquet(folder / "notes.parquet")
    model = counting_notes.write_model(folder / "model")
    return (
        f"job: predict\nname: notes\ninput: {{collection: notes, uri: {folder / 'notes.parquet'}}}\n"
        f"models: {{m: {{uri: {model}}}}}\noutput: {{uri: {folder / 'out'}}}\n"
        "compute: {pool: serial, shard_records: 5}\n"
    )


def _events(folder: Path) -> str:
    write_dataset(folder / "meds", [events(range(6), mean_events=5)])
    return meds_runs.spec(folder, f"uri: {folder / 'meds'}, task: {{at: 2030-01-01}}", folder / "out", shard_records=2)


def _scores(folder: Path) -> str:
    data = cohort(60, 40)
    write_pgen(folder, data)
    genotype_runs.write_score(folder / "scores/S1.txt", genotype_runs.weights_of(data))
    more = "compute: {pool: serial, shard_records: 25}"
    return genotype_runs.spec(folder, "format: pgen, uri: ROOT/cohort.pgen", more=more)


def _export(folder: Path) -> str:
    source = f"format: fhir, uri: {CASE}, chunk_bytes: 6000, bucket_bytes: 8000"
    return convert_spec(source, str(folder / "out"), "pool: serial, shard_records: 20")


def _table(folder: Path) -> str:
    (folder / "a.vcf").write_text(random_vcf(6, 40, seed=1))
    return convert_spec(f"format: vcf, uri: {folder / 'a.vcf'}", str(folder / "out"), "pool: serial, shard_records: 20")


def _plink(folder: Path) -> str:
    write_pgen(folder, cohort(40, 60))
    source = f"format: pgen, uri: {folder / 'cohort.pgen'}, build: GRCh38"
    return convert_spec(source, str(folder / "out"), "pool: serial, shard_records: 20")


def _sequences(folder: Path) -> str:
    bases = random_bases(600, 1)
    write_fasta(folder / "ref.fa", {"chr1": bases})
    write_vcf(
        folder / "in.vcf", [("chr1", at, bases[at - 1], "ACGT".replace(bases[at - 1], "")[0]) for at in (201, 305, 410)]
    )
    save_cnn(folder / "model")
    return (
        "job: predict\nname: variants\n"
        f"input: {{collection: sequences, uri: {folder / 'in.vcf'}, reference: {folder / 'ref.fa'}}}\n"
        f"models: {{m: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {folder / 'out'}}}\n"
        "compute: {pool: serial, shard_records: 2}\n"
    )


def _molecules(folder: Path) -> str:
    return (
        yaml.safe_dump(molecules(folder)).replace("HERE", str(folder)).replace("shard_records: 4", "shard_records: 2")
    )


def _evaluation(folder: Path) -> str:
    return evaluation.spec(
        make_run(folder / "run", evaluation.screened(80), ("score",)), folder / "out", groups={"sex": {}}
    )


TAMPERINGS = {**DOCUMENTS, **OBJECTS}

KINDS: dict[str, Callable[[Path], str]] = {
    "images": _images,
    "notes": _notes,
    "events": _events,
    "scores": _scores,
    "fhir": _export,
    "vcf": _table,
    "plink": _plink,
    "sequences": _sequences,
    "molecules": _molecules,
    "evaluation": _evaluation,
}


QUICK = ("images", "notes", "plink", "evaluation")
"""Between them they have every kind of object that a run directory can hold."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of a finished run of a kind."""

    @cache
    def made(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        with pytest.MonkeyPatch.context() as patch:
            meds_runs.with_history_format(patch)
            patch.setitem(registry.FORMATS, "notes", {"counting": "tests.support.counting_notes"})
            run(KINDS[kind](folder))
        return folder / "out"

    return made


@pytest.fixture(params=[kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS])
def copy(request: pytest.FixtureRequest, finished: Callable[[str], Path], tmp_path: Path) -> Copy:
    shutil.copytree(finished(request.param), tmp_path / "out")
    return Copy(tmp_path / "out")


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_it_is_found(copy: Copy, tampering: str) -> None:
    try:
        TAMPERINGS[tampering](copy)
    except NotHere:
        pytest.skip("the run has nothing of that kind")
    with pytest.raises(VerificationError):
        verify(open_store(str(copy.root)), with_source=False)


def test_the_manifest_sealed_anew_with_nothing_changed_is_none(copy: Copy) -> None:
    copy.write(copy.read())
    copy.agree(*copy.shards())
    assert verify(open_store(str(copy.root)), with_source=False).faults == []


def test_what_lies_where_the_run_writes_nothing_is_counted_and_no_fault(copy: Copy) -> None:
    (copy.root / "README.txt").write_text("whose run it is")
    assert verify(open_store(str(copy.root)), with_source=False).beside == 1


def test_a_run_of_a_version_without_seals_is_verified(copy: Copy) -> None:
    """Its run file names no earlier stages either: the collection knows them."""
    import hashlib
    import json

    manifest = copy.read()
    for record in manifest["files"]:
        if record["key"].endswith("run.json"):
            path = copy.root / record["key"]
            before = {name: value for name, value in json.loads(path.read_text()).items() if name not in OF_LATER}
            path.write_text(json.dumps(before))
            record |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    del manifest["seal"]
    (copy.root / MANIFEST).write_text(json.dumps(manifest))
    assert verify(open_store(str(copy.root)), with_source=False).faults == []
    if (copy.root / "stages").exists():
        directory = copy.stages()[0]
        shutil.rmtree(copy.root / directory)
        manifest["files"] = [each for each in manifest["files"] if not each["key"].startswith(directory)]
        (copy.root / MANIFEST).write_text(json.dumps(manifest))
        with pytest.raises(VerificationError, match=r"run.json is missing"):
            verify(open_store(str(copy.root)), with_source=False)


OF_LATER = ("seal", "earlier")


def test_a_fault_in_a_run_of_other_results_says_which_version_made_it(copy: Copy) -> None:
    run_file = copy.read("run.json")
    run_file["parts"]["results_version"] = 1
    copy.write(run_file, "run.json")
    with pytest.raises(VerificationError, match=r"made by wardround .* with results version 1"):
        verify(open_store(str(copy.root)), with_source=False)


def test_a_run_file_that_is_not_understood_says_which_version_wrote_it(copy: Copy) -> None:
    copy.write({**copy.read("run.json"), "kind": "of a kind that is no more"}, "run.json")
    with pytest.raises(VerificationError, match=r"run.json was written by wardround .* with results version"):
        verify(open_store(str(copy.root)), with_source=False)


def test_the_word_that_results_version_1_had_for_a_kind_of_stage_is_understood(copy: Copy) -> None:
    run_file = copy.read("run.json")
    copy.write({**run_file, "kind": "tables" if run_file["kind"] == "shards" else "records"}, "run.json")
    assert verify(open_store(str(copy.root)), with_source=False).faults == []


def test_the_command_ends_with_5_and_names_what_is_wrong(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    TAMPERINGS["run.json off both"](copy)
    assert main(["verify", str(copy.root), "--no-source"]) == 5
    assert "run.json is missing" in capsys.readouterr().err
