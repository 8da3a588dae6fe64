from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.storage import CommitResult, Store, attempt_id, commit, open_store
from schemas.errors import FingerprintError, InfrastructureError
from tests.support.fault_proxy import Fault, FaultProxy, Kind
from tests.support.rclone import rclone_s3
from tests.support.seaweed import S3

KEY = "predictions/shard-000000.parquet"


def shard(fingerprint: str, attempt: str, value: int = 0) -> bytes:
    stamps = {"wardround.fingerprint": fingerprint, "wardround.attempt": attempt}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": [value]}, schema=pa.schema([("x", pa.int64())], metadata=stamps)), sink)
    return bytes(sink.getvalue().to_pybytes())


def publish(store: Store, fingerprint: str = "f" * 64, value: int = 0) -> CommitResult:
    attempt = attempt_id()
    body = shard(fingerprint, attempt, value)
    digest = hashlib.sha256(body).hexdigest()
    return commit(store, KEY, body, fingerprint=fingerprint, attempt=attempt, sha256=digest, extra={"rows": "1"})


@pytest.fixture
def single() -> bool:
    """Whether the store is one of a single committer."""
    return False


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, single: bool) -> Store:
    if request.param == "local":
        return open_store(str(tmp_path / "root"), single_committer=single)
    uri, s3 = request.getfixturevalue("bucket_prefix"), request.getfixturevalue("s3")
    return open_store(uri, s3.settings, single_committer=single)


@pytest.mark.parametrize("single", [False, True])
def test_the_first_commits_and_the_second_adopts(store: Store) -> None:
    first = publish(store, value=1)
    second = publish(store, value=2)
    assert (first.outcome, second.outcome) == ("committed", "adopted")
    body = store.get(KEY)
    assert pq.read_table(pa.BufferReader(body))["x"].to_pylist() == [1]
    for result in (first, second):
        assert result.metadata["sha256"] == hashlib.sha256(body).hexdigest()
        assert result.metadata["attempt"] == first.metadata["attempt"]
        assert result.metadata["fingerprint"] == "f" * 64


@pytest.mark.parametrize("single", [False, True])
def test_another_runs_object_is_left_alone(store: Store) -> None:
    publish(store, "a" * 64)
    before = store.get(KEY)
    with pytest.raises(FingerprintError, match=r"aaaaaaaaaaaa.*bbbbbbbbbbbb.*choose another output"):
        publish(store, "b" * 64)
    assert store.get(KEY) == before


def test_an_object_of_unknown_origin_is_left_alone(store: Store) -> None:
    store.put(KEY, b"something else", {})
    with pytest.raises(FingerprintError, match="fingerprint none"):
        publish(store)
    assert store.get(KEY) == b"something else"


def test_a_file_that_can_carry_no_fingerprint_is_adopted_by_its_digest(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    outcomes = [
        commit(
            store,
            "mask.npz",
            b"mask",
            fingerprint="f",
            attempt=attempt_id(),
            sha256=hashlib.sha256(b"mask").hexdigest(),
        )
        for _ in range(2)
    ]
    assert [result.outcome for result in outcomes] == ["committed", "adopted"]
    with pytest.raises(FingerprintError):
        commit(
            store,
            "mask.npz",
            b"else",
            fingerprint="f",
            attempt=attempt_id(),
            sha256=hashlib.sha256(b"else").hexdigest(),
        )


def test_of_many_committers_one_commits_and_all_agree(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda value: publish(store, value=value), range(4)))
    assert sorted(result.outcome for result in results) == ["adopted"] * 3 + ["committed"]
    assert len({result.metadata["sha256"] for result in results}) == 1


@pytest.mark.parametrize("kind", ["slow_down", "internal_error", "conflict", "reset_before", "reset_after"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_commit_survives_what_passes_and_commits_once(s3: S3, bucket_prefix: str, kind: Kind, times: int) -> None:
    with FaultProxy(s3.endpoint_url, [Fault(kind, "PUT", times=times)]) as proxy:
        result = publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url)), value=7)
    assert result.outcome == "committed"
    direct = open_store(bucket_prefix, s3.settings)
    assert [info.key for info in direct.list()] == [KEY]
    assert direct.sha256(KEY) == result.metadata["sha256"]
    head = direct.head(KEY)
    assert head is not None
    assert head.metadata == result.metadata


def test_a_lost_answer_to_the_last_try_still_counts(s3: S3, bucket_prefix: str) -> None:
    faults = [Fault("reset_before", "PUT", times=3), Fault("reset_after", "PUT", nth=4)]
    with FaultProxy(s3.endpoint_url, faults) as proxy:
        assert publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url))).outcome == "committed"
        assert proxy.count("PUT") == 4


def test_a_lost_answer_followed_by_a_refusal_still_counts(s3: S3, bucket_prefix: str) -> None:
    faults = [Fault("reset_after", "PUT", nth=1), Fault("forbidden", "PUT", nth=2, times=9)]
    with FaultProxy(s3.endpoint_url, faults) as proxy:
        assert publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url))).outcome == "committed"


def test_a_lost_answer_after_another_won_adopts_theirs(s3: S3, bucket_prefix: str) -> None:
    theirs = publish(open_store(bucket_prefix, s3.settings), value=1)
    with FaultProxy(s3.endpoint_url, [Fault("reset_after", "PUT")]) as proxy:
        ours = publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url)), value=2)
    assert ours.outcome == "adopted"
    assert ours.metadata == theirs.metadata


@pytest.mark.parametrize("kind", ["slow_down", "conflict", "reset_before", "forbidden"])
def test_a_commit_that_keeps_failing_is_infrastructure_and_leaves_nothing(
    s3: S3, bucket_prefix: str, kind: Kind
) -> None:
    with FaultProxy(s3.endpoint_url, [Fault(kind, "PUT", times=99)]) as proxy:
        with pytest.raises(InfrastructureError, match=s3.bucket):
            publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url)))
        assert proxy.count("PUT") == (1 if kind == "forbidden" else 4)
    assert list(open_store(bucket_prefix, s3.settings).list()) == []


def test_a_reading_back_that_fails_keeps_the_outcome_unknown_and_the_next_run_adopts(
    s3: S3, bucket_prefix: str
) -> None:
    faults = [Fault("reset_after", "PUT", times=99), Fault("slow_down", "HEAD", times=99)]
    with FaultProxy(s3.endpoint_url, faults) as proxy, pytest.raises(InfrastructureError):
        publish(open_store(bucket_prefix, s3.through(proxy.endpoint_url)))
    assert publish(open_store(bucket_prefix, s3.settings)).outcome == "adopted"


@pytest.mark.parametrize("seed", range(6))
def test_committers_on_a_bad_network_agree(s3: S3, bucket_prefix: str, seed: int) -> None:
    kinds: list[Kind] = ["slow_down", "conflict", "reset_before", "reset_after", "internal_error"]
    with FaultProxy(s3.endpoint_url, chance=0.35, kinds=kinds, seed=seed) as proxy:
        settings = s3.through(proxy.endpoint_url).model_copy(update={"attempts": 12, "backoff": 0.002})
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda value: publish(open_store(bucket_prefix, settings), value=value), range(2)))
    assert sorted(result.outcome for result in results) == ["adopted", "committed"], f"seed {seed}"
    there = open_store(bucket_prefix, s3.settings).sha256(KEY)
    assert {result.metadata["sha256"] for result in results} == {there}, f"seed {seed}"


_COMMITTER = """
import hashlib, sys
from cluster.storage import StorageSettings, attempt_id, commit, open_store
store = open_store(sys.argv[1], StorageSettings(endpoint_url=sys.argv[2] or None))
body = b'{"fingerprint": "f"}'
commit(store, "run.json", body, fingerprint="f", attempt=attempt_id(), sha256=hashlib.sha256(body).hexdigest())
"""


@pytest.mark.parametrize(("point", "left", "then"), [("before", [], "committed"), ("after", ["run.json"], "adopted")])
def test_a_committer_killed_around_the_put_can_run_again(
    store: Store, request: pytest.FixtureRequest, point: str, left: list[str], then: str
) -> None:
    endpoint = "" if store.uri.startswith("/") else request.getfixturevalue("s3").endpoint_url
    command = [sys.executable, "-c", _COMMITTER, store.uri, endpoint]
    environment = {**os.environ, "WARDROUND_CRASH_AT": f"commit.{point}_put"}
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert [info.key for info in store.list()] == left
    assert store.pending_uploads() in ((), [])
    body = b'{"fingerprint": "f"}'
    digest = hashlib.sha256(body).hexdigest()
    result = commit(store, "run.json", body, fingerprint="f", attempt=attempt_id(), sha256=digest)
    assert result.outcome == then


def test_a_writer_killed_in_the_middle_of_a_put_leaves_nothing(s3: S3, bucket_prefix: str) -> None:
    script = (
        "import sys; from cluster.storage import StorageSettings, open_store\n"
        "store = open_store(sys.argv[1], StorageSettings(endpoint_url=sys.argv[2]))\n"
        "list(store.list()); print('ready', flush=True)\n"
        "store.put_if_absent('big', bytes(64 << 20), {})\n"
    )
    command = [sys.executable, "-c", script, bucket_prefix, s3.endpoint_url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    store = open_store(bucket_prefix, s3.settings)
    assert list(store.list()) == []
    assert store.pending_uploads() == ()
    assert store.put_if_absent("big", b"small", {})


def test_a_single_committer_works_where_conditions_are_ignored(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    credentials = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    with rclone_s3(tmp_path, *credentials) as endpoint:
        store = open_store("s3://bucket/x", s3.through(endpoint), single_committer=True)
        assert publish(store).outcome == "committed"
        assert store.head(KEY) is not None
