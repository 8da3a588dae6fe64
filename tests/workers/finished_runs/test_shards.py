"""A shard object is the run's own, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cluster.storage import open_store
from schemas.errors import VerificationError
from workers.finished_runs.run import FinishedRun
from workers.finished_runs.shards import open_shard, read_shard, with_status

KEY = "predictions/shard-000001.parquet"


def test_a_missing_shard_is_damage(finished: FinishedRun, copied: Path) -> None:
    (copied / KEY).unlink()
    with pytest.raises(VerificationError, match="missing: the run is damaged"):
        read_shard(open_store(str(copied)), KEY, finished.run.fingerprint)


def test_a_shard_that_is_no_parquet_is_damage(finished: FinishedRun, copied: Path) -> None:
    (copied / KEY).write_bytes(b"not rows")
    with pytest.raises(VerificationError, match="not the file that a run writes"):
        open_shard(open_store(str(copied)), KEY, finished.run.fingerprint)


def test_a_shard_whose_pages_are_damaged_is_damage(finished: FinishedRun, copied: Path) -> None:
    body = bytearray((copied / KEY).read_bytes())
    body[4:200] = bytes(196)
    (copied / KEY).write_bytes(body)
    with pytest.raises(VerificationError, match="not the file that a run writes"):
        read_shard(open_store(str(copied)), KEY, finished.run.fingerprint)


def test_a_shard_of_another_run_is_refused(finished: FinishedRun) -> None:
    with pytest.raises(VerificationError, match="fingerprint of another run"):
        open_shard(finished.store, KEY, "0" * 64)


def test_rows_with_a_status_stay_in_order(finished: FinishedRun) -> None:
    rows = read_shard(finished.store, KEY, finished.run.fingerprint)
    good = with_status(rows, "status", ["ok"])
    wanted = [
        name
        for name, status in zip(*(rows[c].to_pylist() for c in ("record_id", "status")), strict=True)
        if status == "ok"
    ]
    assert good["record_id"].to_pylist() == wanted
    assert rows.num_rows == pq.read_metadata(Path(finished.store.uri) / KEY).num_rows
