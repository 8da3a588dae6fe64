"""Notes are scored exactly once, whatever dies on the way."""

from __future__ import annotations

import signal
from pathlib import Path

import polars as pl
import pytest

from cluster.storage import open_store
from jobs.verification.verify import verify
from tests.support.note_inputs import some_notes, write_notes
from tests.support.pipelines import rules_pipeline
from tests.support.runs import rows, run
from tests.support.small_run import finish, go_on, start

NOTES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compressed file with a broken line and a torn end, and a real pipeline that finds terms in it."""
    made = tmp_path_factory.mktemp("notes")
    rules_pipeline(made / "model", [{"label": "SIGN", "pattern": "pain"}])
    import gzip

    path = write_notes(some_notes(NOTES), made / "in" / "a.ndjson")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[7] = b"{broken\n"
    Path(f"{path}.gz").write_bytes(gzip.compress(b"".join(lines))[:-6])
    path.unlink()
    return made


def spec_text(folder: Path, out: Path, compute: str, shard: int = 4) -> str:
    return (
        f"job: predict\nname: notes\ninput: {{collection: notes, uri: {folder / 'in'}}}\n"
        f"models: {{terms: {{uri: {folder / 'model'}}}}}\noutput: {{uri: {out}}}\n"
        f"compute: {{{compute}, shard_records: {shard}}}\n"
    )


@pytest.fixture(scope="module")
def clean(folder: Path) -> pl.DataFrame:
    """The rows of a run that nothing disturbed."""
    run(spec_text(folder, folder / "clean", "pool: serial"))
    found = rows(folder / "clean")
    assert found["record_id"].to_list()[6:9] == ["n-0006", "a.ndjson.gz#8", "n-0008"]
    assert found["record_id"].to_list()[-1] == f"a.ndjson.gz#{NOTES + 1}"
    assert found["status"].to_list() == [*["ok"] * 3, *["empty"] * 3, "ok", "unreadable", *["ok"] * 4, "unreadable"]
    assert [len(entities) for entities in found.filter(pl.col("status") == "ok")["entities"]] == [1] * 8
    return found


def test_a_run_over_notes_that_was_killed_is_completed_by_the_same_command(
    folder: Path, clean: pl.DataFrame, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(spec_text(folder, tmp_path / "out", "pool: serial"))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": "commit.after_put:4"}))
    assert code == -signal.SIGKILL
    assert len(list((tmp_path / "out" / "predictions").iterdir())) == 2
    code, said = go_on(spec)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    assert rows(tmp_path / "out").equals(clean)


@pytest.mark.ray
@pytest.mark.long
def test_a_note_that_kills_its_worker_twice_is_a_row_and_the_others_are_scored_by_workers_of_ray(
    folder: Path, clean: pl.DataFrame, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(spec_text(folder, tmp_path / "out", "workers: 2", shard=1))
    code, said = finish(start(spec, {"WARDROUND_CRASH_AT": "forward.record:1:n-0002"}), 280)
    assert code == 0, said
    verify(open_store(str(tmp_path / "out")))
    found = rows(tmp_path / "out")
    crashed = found.filter(pl.col("status") == "crashed_worker")
    assert crashed["record_id"].to_list() == ["n-0002"]
    others = pl.col("record_id") != "n-0002"
    assert found.filter(others).equals(clean.filter(others))
