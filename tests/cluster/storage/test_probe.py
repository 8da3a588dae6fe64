from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster.storage import open_store, probe
from cluster.storage.local import LocalStore
from cluster.storage.retry import Backoff
from schemas.errors import InfrastructureError, StoreError, UsageError
from tests.support.fault_proxy import FaultProxy, Kind
from tests.support.rclone import rclone_s3
from tests.support.seaweed import S3


def test_seaweedfs_keeps_the_condition_and_is_left_clean(s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    result = probe(store)
    assert (result.rounds, result.contenders) == (5, 8)
    assert isinstance(result.multipart, bool)
    assert list(store.list()) == []
    assert store.pending_uploads() == ()


def test_the_quick_probe_tries_one_race(s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    result = probe(store, quick=True)
    assert (result.rounds, result.contenders, result.multipart) == (1, 4, None)
    assert list(store.list()) == []


@pytest.mark.parametrize("quick", [True, False])
def test_a_local_disk_keeps_the_condition_and_is_left_clean(tmp_path: Path, quick: bool) -> None:
    (tmp_path / "root").mkdir()
    assert probe(open_store(str(tmp_path / "root")), quick=quick).multipart is None
    assert os.listdir(tmp_path / "root") == []


@pytest.mark.parametrize("quick", [True, False])
def test_rclone_ignores_the_condition_and_is_refused(s3: S3, tmp_path: Path, quick: bool) -> None:
    (tmp_path / "bucket").mkdir()
    with rclone_s3(tmp_path, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]) as endpoint:
        store = open_store("s3://bucket/x", s3.through(endpoint))
        with pytest.raises(StoreError, match=r"If-None-Match.*output\.single_committer: true"):
            probe(store, quick=quick)
        assert list(store.list()) == []


class LooksThenWrites(LocalStore):
    """A store that keeps the condition as long as nobody is in a hurry."""

    def put_if_absent(self, key: str, body: bytes | Path, metadata: Mapping[str, str]) -> bool:
        if self.head(key) is not None:
            return False
        time.sleep(0.01)
        self.put(key, body, metadata)
        return True


@pytest.mark.parametrize("quick", [True, False])
def test_a_store_that_fails_only_in_a_race_is_refused(tmp_path: Path, quick: bool) -> None:
    with pytest.raises(StoreError, match=r"of . writers were told that they created one and the same object"):
        probe(LooksThenWrites(str(tmp_path), Backoff()), quick=quick)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("seed", range(3))
def test_lost_answers_are_no_defect_of_the_store(s3: S3, bucket_prefix: str, seed: int) -> None:
    kinds: list[Kind] = ["reset_before", "slow_down", "conflict"]
    with FaultProxy(s3.endpoint_url, chance=0.2, kinds=kinds, seed=seed) as proxy:
        settings = s3.through(proxy.endpoint_url).model_copy(update={"attempts": 12, "backoff": 0.002})
        assert probe(open_store(bucket_prefix, settings), quick=True).rounds == 1, f"seed {seed}"
    assert list(open_store(bucket_prefix, s3.settings).list()) == []


def test_a_store_that_does_not_answer_is_not_called_defective(s3: S3) -> None:
    settings = s3.through("http://127.0.0.1:1")
    with pytest.raises(InfrastructureError):
        probe(open_store("s3://bucket/x", settings), quick=True)


def test_a_bucket_that_is_not_there_is_told_at_the_second_answer(s3: S3) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        with pytest.raises(UsageError, match=r"'nowhere-at-all'.*does not exist"):
            probe(open_store("s3://nowhere-at-all/x", s3.through(proxy.endpoint_url)), quick=True)
        assert proxy.count("PUT") == 2
