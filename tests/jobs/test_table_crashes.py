"""A conversion to the genotype table that dies at any step goes on from there, and ends as if nothing had happened."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

import pytest

from cluster.storage import Store, open_store
from jobs.leftovers import leftovers
from jobs.verification.verify import verify
from tests.chaos.harness import content
from tests.support.genotype_tables import convert_table, random_vcf
from tests.support.meds import account, convert_spec, run_convert
from tests.support.small_run import finish, go_on, start
from workers.finished_runs.documents import read_manifest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort in some chunks."""
    folder = tmp_path_factory.mktemp("crashes")
    (folder / "in.vcf").write_text(random_vcf(11, 90))
    return folder


@pytest.fixture(scope="module")
def clean(folder: Path) -> Store:
    """A run that nobody disturbs."""
    return convert_table(source_of(folder / "in.vcf"), folder / "clean")


def source_of(path: Path) -> str:
    return f"format: vcf, uri: {path}, chunk_bytes: 4000"


# The fifth side object is of the second chunk; the last ones are the lists of the table.
@pytest.mark.parametrize("point", ["side.after_put:5", "side.before_put:-2"])
def test_a_conversion_killed_at_this_step_is_completed_by_the_same_command(
    folder: Path, clean: Store, tmp_path: Path, point: str
) -> None:
    manifest = read_manifest(clean)
    assert manifest is not None
    sides = sum(
        record.key.startswith(("table/", "stages/read/variants/", "stages/read/outcomes/")) for record in manifest.files
    )
    name, _, number = point.partition(":")
    at = int(number) if int(number) > 0 else sides + 1 + int(number)
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(source_of(folder / "in.vcf"), str(tmp_path / "out")))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": f"{name}:{at}"}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    store = open_store(str(tmp_path / "out"))
    verify(store)
    assert content(store).equals(content(clean))


def test_the_manifest_names_every_object_and_nothing_is_left_over(clean: Store) -> None:
    manifest = read_manifest(clean)
    assert manifest is not None
    named = {record.key for record in manifest.files}
    assert named == {info.key for info in clean.list()} - {"manifest.json"}
    assert {"table/variants.parquet", "table/samples.parquet", "table/dataset.json"} <= named
    assert list(leftovers(clean, timedelta(days=-1))) == []


def test_a_file_that_changes_after_a_crash_gives_rows_that_say_so_and_no_variants(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = (folder / "in.vcf").read_text()
    first, last = tmp_path / "in" / "a.vcf", tmp_path / "in" / "b.vcf"
    first.write_text(text)
    last.write_text(text)
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(f"format: vcf, uri: {tmp_path / 'in'}", str(tmp_path / "out")))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": "side.after_put:2"}))
    assert code == -signal.SIGKILL
    last.write_text(text[:-200])
    store = run_convert(spec.read_text())
    said = account(store)
    assert said.filter(said["status"] != "ok").select("record_id", "status").rows() == [("b.vcf#0", "input_changed")]
    assert said.height == 91
