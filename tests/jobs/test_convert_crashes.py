"""A conversion that dies at any step goes on from there, and ends as if nothing had happened."""

from __future__ import annotations

import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import Store, open_store
from jobs.execute import worker_job
from jobs.leftovers import leftovers
from jobs.state import open_stages
from jobs.verification.verify import verify
from schemas.errors import FingerprintError, VerificationError
from tests.chaos.harness import Content, content
from tests.support.meds import CASES, account, convert_spec, run_convert
from tests.support.small_run import finish, go_on, start
from workers.finished_runs.documents import read_manifest
from workers.finished_runs.side import SideObjectRef
from workers.pipeline.context import StageContext
from workers.pipeline.kinds import SideObject
from workers.pipeline.publish import publish_side

SOURCE = f"format: fhir, uri: {CASES / 'fhir'}, chunk_bytes: 8000, bucket_bytes: 8000"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A run that nobody disturbs."""
    return run_convert(convert_spec(SOURCE, str(tmp_path_factory.mktemp("clean") / "out")))


@pytest.fixture(scope="module")
def clean(done: Store) -> Content:
    """What it says."""
    return content(done)


# The third side object is of the second chunk; later ones are of the stages that sort and sum up.
@pytest.mark.parametrize("point", ["side.before_put:3", "side.after_put:14", "run.before_put:3"])
def test_a_conversion_killed_at_this_step_is_completed_by_the_same_command(
    tmp_path: Path, clean: Content, point: str
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(SOURCE, str(tmp_path / "out")))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    store = open_store(str(tmp_path / "out"))
    verify(store)
    assert content(store).equals(clean)


def test_parts_of_a_file_that_changes_after_a_crash_are_left_over_and_not_used(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in/Observation.ndjson.gz"
    shutil.copy(CASES / "fhir" / file.name, file)
    spec = tmp_path / "spec.yaml"
    spec.write_text(convert_spec(f"format: fhir, uri: {tmp_path / 'in'}, chunk_bytes: 1000", str(tmp_path / "out")))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": "side.after_put:3"}))
    assert code == -signal.SIGKILL
    file.write_bytes(file.read_bytes() * 2)
    store = run_convert(spec.read_text())
    assert account(store)["status"].to_list() == ["input_changed"]
    assert list(store.list("meds/data/")) == []
    left = list(leftovers(store, timedelta(days=-1)))
    assert {item.kind for item in left} == {"side object of no rows"}
    assert len(left) == 3
    for item in left:
        item.remove(store)
    verify(store)


def test_the_manifest_names_every_object_but_itself(done: Store) -> None:
    manifest = read_manifest(done)
    assert manifest is not None
    named = {record.key for record in manifest.files}
    assert named == {info.key for info in done.list()} - {"manifest.json"}
    sides = [record for record in manifest.files if record.key.startswith(("meds/", "subjects/"))]
    assert {record.key for record in sides} >= {"meds/metadata/dataset.json", "meds/metadata/codes.parquet"}
    assert all(done.sha256(record.key) == record.sha256 for record in sides)


def test_nothing_of_a_finished_conversion_is_left_over(done: Store) -> None:
    assert list(leftovers(done, timedelta(days=-1))) == []


@pytest.mark.parametrize("prefix", ["meds/data/", "meds/metadata/dataset.json"])
def test_a_side_object_that_was_altered_or_lost_is_found(done: Store, tmp_path: Path, prefix: str) -> None:
    shutil.copytree(done.uri, tmp_path / "out")
    store = open_store(str(tmp_path / "out"))
    victim = next(iter(store.list(prefix))).key
    body = store.get(victim)
    store.put(victim, body[:-1] + b"?", {})
    with pytest.raises(VerificationError, match="its sha256 differs"):
        verify(store)
    store.delete(victim)
    with pytest.raises(VerificationError, match=f"{victim} is missing"):
        verify(store)


def test_a_side_object_that_was_encoded_otherwise_is_adopted_as_it_lies_there(done: Store) -> None:
    stage = next(stage for stage in open_stages(done) if stage.run.stage == "sort")
    context = StageContext(worker_job(stage, stage.run.spec), 1, 0)
    key = next(iter(done.list("meds/data/"))).key
    table = pq.read_table(done.open_reader(key))
    otherwise = pa.BufferOutputStream()
    pq.write_table(table, otherwise, compression="none")
    vouched = publish_side(context, SideObject(key, bytes(otherwise.getvalue())))
    assert vouched == SideObjectRef(key, len(done.get(key)), done.sha256(key))
    strange = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({"wardround.fingerprint": "another"}), strange)
    with pytest.raises(FingerprintError, match="another run's object"):
        publish_side(_of_another_run(context), SideObject(key, bytes(strange.getvalue())))


def _of_another_run(context: StageContext) -> StageContext:
    context.run = context.run.model_copy(update={"fingerprint": "another"})
    return context
