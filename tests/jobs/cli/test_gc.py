"""`wardround gc`: shows, deletes only when told to, and never what may be needed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.support.cli import Wardround
from tests.support.seaweed import S3

DAY = 24 * 3600


def age(path: Path, seconds: float) -> Path:
    """Make a file look that old."""
    when = time.time() - seconds
    os.utime(path, (when, when))
    return path


def leave(run_dir: Path) -> tuple[Path, Path, Path]:
    """What crashed attempts leave: a hidden file, another plan, a probe; all two days old."""
    hidden = run_dir / "predictions" / ".tmp-0123456789abcdef"
    plan = run_dir / f"plan-{'0' * 64}.parquet"
    probe = run_dir / ".wardround-probe" / "feed" / "put-0"
    probe.parent.mkdir(parents=True)
    for path in (hidden, plan, probe):
        path.write_bytes(b"left")
        age(path, 2 * DAY)
    return hidden, plan, probe


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_gc_shows_and_deletes_nothing(wardround: Wardround, run_dir: Path) -> None:
    leave(run_dir)
    before = contents(run_dir)
    said = wardround("gc", run_dir)
    assert said.code == 0
    kinds = [line.split("  ")[0] for line in said.out.splitlines()[1:]]
    assert kinds == ["unfinished write", "probe", "plan of no run"]
    assert "3 leftovers would be deleted with --yes" in said.err
    assert contents(run_dir) == before


def test_gc_with_yes_deletes_them_and_the_run_is_whole(wardround: Wardround, run_dir: Path) -> None:
    before = contents(run_dir)
    leave(run_dir)
    said = wardround("gc", run_dir, "--yes", "--json")
    assert [json.loads(line)["deleted"] for line in said.out.splitlines()] == [True] * 3
    assert contents(run_dir) == before
    assert wardround("verify", run_dir).code == 0


def test_gc_leaves_alone_what_is_young(wardround: Wardround, run_dir: Path) -> None:
    for path in leave(run_dir):
        age(path, DAY / 2)
    before = contents(run_dir)
    assert "nothing is left over" in wardround("gc", run_dir, "--yes").err
    assert contents(run_dir) == before


def test_gc_never_touches_rows_nor_what_it_does_not_know(wardround: Wardround, run_dir: Path) -> None:
    strange = run_dir / "predictions" / "notes.txt"
    strange.write_text("mine")
    for path in [*run_dir.rglob("*")]:
        if path.is_file():
            age(path, 100 * DAY)
    before = contents(run_dir)
    assert wardround("gc", run_dir, "--yes", "--older-than", "0s").code == 0
    assert contents(run_dir) == before


def test_gc_of_a_folder_that_is_no_run_is_refused(wardround: Wardround, tmp_path: Path) -> None:
    age(tmp_path, 2 * DAY)
    (tmp_path / ".tmp-someone").write_bytes(b"else's")
    said = wardround("gc", tmp_path, "--yes", "--older-than", "0s")
    assert said.code == 2
    assert (tmp_path / ".tmp-someone").exists()


def test_gc_aborts_multipart_uploads_that_nobody_completed(
    wardround: Wardround, run_dir: Path, s3: S3, bucket_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = s3.store(bucket_prefix.rsplit("/", 1)[1])
    for path, body in contents(run_dir).items():
        store.put(path.relative_to(run_dir).as_posix(), body, {})
    store.stage_upload("predictions/shard-000009.parquet", b"half", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint_url)
    assert "unfinished write" in wardround("gc", bucket_prefix, "--older-than", "0s").out
    assert len(store.pending_uploads()) == 1
    assert wardround("gc", bucket_prefix, "--older-than", "0s", "--yes").code == 0
    assert not store.pending_uploads()
