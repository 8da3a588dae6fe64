"""One read of an S3 object: a range of one version, gone on with where the connection broke."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.storage.errors import ObjectChanged, ObjectMissing, ObjectTooLarge, TransientError
from cluster.storage.retry import Backoff
from cluster.storage.s3 import S3Store, open_s3
from cluster.storage.s3_reading import S3Reading
from cluster.storage.uri import parse
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3

BODY = bytes(range(256)) * 40_000
"""Ten megabytes, so that a broken connection has brought more than a block of it."""


@pytest.fixture
def proxy(s3: S3) -> Iterator[FaultProxy]:
    with FaultProxy(s3.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def store(s3: S3, proxy: FaultProxy, bucket_prefix: str) -> S3Store:
    store = open_s3(parse(bucket_prefix), s3.through(proxy.endpoint_url), Backoff(1))
    store.put("a", BODY[:1000], {})
    return store


def reading(store: S3Store, attempts: int = 2, **options: object) -> S3Reading:
    key = f"{store.uri.rpartition('/')[2]}/a"
    bucket = replace(store._reads, backoff=Backoff(attempts, 0.001))
    return S3Reading(bucket, key, **options)


def read(what: S3Reading) -> bytes:
    sink = io.BytesIO()
    what.into(sink)
    return sink.getvalue()


@pytest.mark.parametrize(("start", "length"), [(0, None), (0, 10), (990, None), (990, 100), (5, 1)])
def test_a_range_is_that_of_the_body_as_far_as_there_is_one(store: S3Store, start: int, length: int | None) -> None:
    end = None if length is None else start + length
    assert read(reading(store, start=start, length=length)) == BODY[:1000][start:end]


def test_a_range_behind_the_end_is_empty(store: S3Store) -> None:
    assert read(reading(store, start=1000, length=5)) == b""


def test_a_body_that_is_too_large_is_known_before_it_is_read(store: S3Store, proxy: FaultProxy) -> None:
    with pytest.raises(ObjectTooLarge):
        read(reading(store, max_bytes=999))
    assert read(reading(store, max_bytes=1000)) == BODY[:1000]


def test_another_version_is_changed_and_no_object_missing_and_neither_is_tried_again(
    store: S3Store, proxy: FaultProxy
) -> None:
    with pytest.raises(ObjectChanged):
        read(reading(store, etag="0" * 32))
    store.delete("a")
    with pytest.raises(ObjectMissing):
        read(reading(store))
    assert proxy.count("GET", "/a") == 2


def test_each_break_that_came_further_than_a_block_begins_the_count_of_attempts_anew(
    s3: S3, store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a", BODY, {})
    # Half of what is left each time: 5, 2.5 and 1.25 megabytes more, with two attempts.
    proxy.use(Fault("truncate", "GET", "/a", times=3))
    assert read(reading(store, attempts=2)) == BODY
    proxy.use(Fault("truncate", "GET", "/a", times=9))
    with pytest.raises(TransientError, match=r"tried 2 times"):
        read(reading(store, attempts=2))


def test_an_object_that_is_replaced_between_two_attempts_is_not_put_together_of_both(
    s3: S3, store: S3Store, proxy: FaultProxy
) -> None:
    store.put("a", BODY, {})
    proxy.use(Fault("truncate", "GET", "/a"))

    class Replacing(io.BytesIO):
        """Its first bytes tell that the first attempt is under way."""

        def write(self, data: bytes) -> int:
            if self.tell() == 0:
                store.put("a", BODY[::-1], {})
            return super().write(data)

    with pytest.raises(ObjectChanged):
        reading(store, attempts=3).into(Replacing())
