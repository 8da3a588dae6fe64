"""Rows of a finished run held against its source once more."""

import shutil
from pathlib import Path

import pytest

from cluster.storage import open_store
from jobs.state import open_stages
from jobs.verification.rechecking import recheck
from schemas.errors import InfrastructureError
from tests.support.meds_data import events, write_dataset
from tests.support.meds_runs import spec, with_history_format
from tests.support.runs import run
from workers.collection import Recheck
from workers.ehr.events import recheck as by_events

SUBJECTS = 5


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over five subjects at one time."""
    folder = tmp_path_factory.mktemp("recheck")
    write_dataset(folder / "meds", [events(range(SUBJECTS), mean_events=6)])
    with pytest.MonkeyPatch.context() as patch:
        with_history_format(patch)
        run(spec(folder, f"uri: {folder / 'meds'}, task: {{at: 2030-01-01}}", folder / "out", shard_records=2))
    return folder


def checked(out: Path) -> tuple[Recheck | None, list[str]]:
    faults: list[str] = []
    return recheck(open_stages(open_store(str(out))), faults), faults


def test_every_row_of_a_small_run_is_computed_again_and_agrees(finished: Path) -> None:
    assert checked(finished / "out") == (Recheck(SUBJECTS, 0, ()), [])


def test_a_wrong_row_is_a_fault_that_names_its_shard_and_its_row_in_it(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_events, "recheck", lambda *_: Recheck(SUBJECTS, 0, (0, 3)))
    again, faults = checked(finished / "out")
    assert again == Recheck(SUBJECTS, 0, (0, 3))
    told = "is not what the source gives when it is computed again"
    # Shards of two: place 3 is row 1 of shard 1.
    assert faults == [
        f"row 0 of predictions/shard-000000.parquet {told}",
        f"row 1 of predictions/shard-000001.parquet {told}",
    ]


def test_a_source_that_is_gone_is_counted_and_no_fault(finished: Path) -> None:
    data = finished / "meds" / "data" / "0.parquet"
    shutil.move(data, finished / "aside")
    try:
        assert checked(finished / "out") == (Recheck(0, SUBJECTS, ()), [])
    finally:
        shutil.move(finished / "aside", data)


def test_a_source_that_cannot_be_reached_is_infrastructure_with_what_can_be_checked_without_it(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> Recheck:
        raise InfrastructureError("503")

    monkeypatch.setattr(by_events, "recheck", unreachable)
    with pytest.raises(InfrastructureError, match=r"source of the run cannot be reached.*503.*verify --no-source"):
        checked(finished / "out")


def test_a_collection_that_cannot_compute_rows_again_is_none(small: Path) -> None:
    assert checked(small.parent / "out") == (None, [])
