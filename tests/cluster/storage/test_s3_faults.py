"""What reaches the caller when the way to a real S3 server breaks."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cluster.storage import ObjectMissing, StorageSettings, Store, TransientError, open_store
from schemas.errors import InfrastructureError, StoreError, UsageError
from tests.support.fault_proxy import Fault, FaultProxy, Kind
from tests.support.seaweed import S3

BODY = np.random.default_rng(0).bytes(3_000_000)
KEY = "patient-name"


@contextmanager
def through(s3: S3, prefix: str, *faults: Fault, **options: object) -> Iterator[tuple[Store, FaultProxy]]:
    with FaultProxy(s3.endpoint_url, faults, **options) as proxy:
        yield open_store(prefix, s3.through(proxy.endpoint_url)), proxy


def test_the_proxy_alone_changes_nothing(s3: S3, bucket_prefix: str) -> None:
    with through(s3, bucket_prefix) as (store, _):
        store.put("odd key +%20#é", BODY, {"a": "b"})
        assert store.get("odd key +%20#é") == BODY
        assert [info.key for info in store.list()] == ["odd key +%20#é"]


@pytest.mark.parametrize("kind", ["slow_down", "internal_error", "reset_before", "reset_after", "truncate", "slow"])
def test_a_read_survives_what_passes(s3: S3, bucket_prefix: str, kind: Kind, tmp_path: Path) -> None:
    fault = Fault(kind, "GET", KEY, nth=1, times=3)
    with through(s3, bucket_prefix) as (store, proxy):
        store.put(KEY, BODY, {})
        proxy.use(fault)
        assert store.get(KEY) == BODY
        assert proxy.count("GET", KEY) == (1 if kind == "slow" else 4)
        proxy.use(fault)
        assert store.get(KEY, 1_000, 2_000_000) == BODY[1_000:2_001_000]
        proxy.use(fault)
        store.download(KEY, tmp_path / "x")
        assert (tmp_path / "x").read_bytes() == BODY
        proxy.use(fault)
        assert store.sha256(KEY) == hashlib.sha256(BODY).hexdigest()


def test_a_cut_off_body_is_gone_on_with_and_not_begun_again(s3: S3, bucket_prefix: str) -> None:
    with through(s3, bucket_prefix) as (store, proxy):
        store.put(KEY, BODY, {})
        proxy.use(Fault("truncate", "GET", KEY, times=2))
        assert store.get(KEY) == BODY
        assert proxy.count("GET", KEY) == 3


@pytest.mark.parametrize("kind", ["slow_down", "internal_error", "reset_before", "reset_after", "truncate"])
def test_a_read_that_keeps_failing_is_infrastructure_and_names_no_key(s3: S3, bucket_prefix: str, kind: Kind) -> None:
    with through(s3, bucket_prefix) as (store, proxy):
        store.put(KEY, b"12", {})
        proxy.use(Fault(kind, "GET", KEY, times=99))
        with pytest.raises(InfrastructureError) as caught:
            store.get(KEY)
        assert proxy.count("GET", KEY) == 4
        assert proxy.endpoint_url in str(caught.value)
        assert s3.bucket in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__
    assert {"slow_down": "SlowDown (503)", "internal_error": "InternalError (500)"}.get(kind, "") in str(caught.value)


@pytest.mark.parametrize(
    ("method", "said"), [("GET", "allow s3:GetObject"), ("HEAD", "refuses these credentials, without a reason")]
)
def test_a_forbidden_read_is_not_tried_again(s3: S3, bucket_prefix: str, method: str, said: str) -> None:
    with through(s3, bucket_prefix, Fault("forbidden", method, KEY, times=9)) as (store, proxy):
        with pytest.raises(InfrastructureError, match=said):
            _ = store.get(KEY) if method == "GET" else store.head(KEY)
        assert proxy.count(method, KEY) == 1


def test_listings_heads_and_deletes_are_tried_again(s3: S3, bucket_prefix: str) -> None:
    faults = [Fault("slow_down", method, nth=1, times=2) for method in ("GET", "HEAD", "DELETE", "PUT")]
    with through(s3, bucket_prefix, *faults) as (store, _):
        store.put(KEY, b"1", {})
        assert [info.key for info in store.list()] == [KEY]
        assert store.head(KEY) is not None
        store.delete(KEY)
        assert store.head(KEY) is None


def test_a_server_that_does_not_answer_is_a_time_out(s3: S3, bucket_prefix: str) -> None:
    with FaultProxy(s3.endpoint_url, [Fault("stall", "GET", times=9)]) as proxy:
        settings = StorageSettings(endpoint_url=proxy.endpoint_url, attempts=2, backoff=0, read_timeout=0.3)
        with pytest.raises(InfrastructureError, match="ReadTimeout"):
            open_store(bucket_prefix, settings).get(KEY)


def test_a_conditional_put_is_sent_once_and_says_that_its_outcome_is_unknown(s3: S3, bucket_prefix: str) -> None:
    with through(s3, bucket_prefix, Fault("reset_after", "PUT")) as (store, proxy):
        with pytest.raises(TransientError):
            store.put_if_absent(KEY, b"1", {})
        assert proxy.count("PUT") == 1
        assert store.get(KEY) == b"1"


def test_nobody_at_the_endpoint_is_infrastructure() -> None:
    settings = StorageSettings(endpoint_url="http://127.0.0.1:1", attempts=2, backoff=0)
    with pytest.raises(InfrastructureError, match=r"storage\.endpoint_url") as caught:
        open_store("s3://bucket/x", settings).get(KEY)
    assert KEY not in str(caught.value)


def test_a_bucket_that_is_not_there_is_a_wrong_uri(s3: S3) -> None:
    store = open_store("s3://no-such-bucket/x", s3.settings)
    for call in (lambda: list(store.list()), lambda: store.get("x"), lambda: store.put_if_absent("x", b"", {})):
        with pytest.raises(UsageError, match="no-such-bucket"):
            call()


def test_a_name_that_no_bucket_can_have_is_a_wrong_uri(s3: S3) -> None:
    with pytest.raises(UsageError):
        open_store("s3://bad bucket!/x", s3.settings).get(KEY)


def test_a_key_that_is_too_long_is_missing(s3: S3, bucket_prefix: str) -> None:
    with pytest.raises(ObjectMissing):
        open_store(bucket_prefix, s3.settings).get("k" * 1100)


def test_wrong_and_absent_credentials_say_what_to_set(
    s3: S3, bucket_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(InfrastructureError, match="secret key is wrong"):
        open_store(bucket_prefix, s3.settings).get(KEY)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InfrastructureError, match="AWS_ACCESS_KEY_ID"):
        open_store(bucket_prefix, s3.settings).get(KEY)


def test_a_server_without_ranges_is_refused(s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    store.put(KEY, b"12345", {})
    client = store._client
    client.meta.events.register("before-sign.s3.GetObject", lambda request, **_: request.headers.__delitem__("Range"))
    with pytest.raises(StoreError, match="ranges"):
        store.get(KEY, 1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_reads_through_a_bad_network_are_exact(s3: S3, bucket_prefix: str, seed: int) -> None:
    key = uuid.uuid4().hex
    open_store(bucket_prefix, s3.settings).put(key, BODY, {})
    kinds: list[Kind] = ["slow_down", "reset_before", "reset_after", "truncate", "internal_error"]
    with FaultProxy(s3.endpoint_url, chance=0.3, kinds=kinds, seed=seed) as proxy:
        settings = StorageSettings(endpoint_url=proxy.endpoint_url, attempts=12, backoff=0.001)
        store = open_store(bucket_prefix, settings)
        for start in range(0, len(BODY), 700_000):
            assert store.get(key, start, 700_000) == BODY[start : start + 700_000], f"seed {seed}"
