"""A body that drips is ended by the watch; one that comes is left alone."""

from __future__ import annotations

import time

import pytest

from cluster.storage import StorageSettings, TransientError, open_store
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3


def test_a_body_in_drops_is_given_up_though_no_wait_is_long(s3: S3, bucket_prefix: str) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        settings = StorageSettings(endpoint_url=proxy.endpoint_url, attempts=2, backoff=0, read_timeout=0.4)
        store = open_store(bucket_prefix, settings)
        store.put("a", bytes(1000), {})
        proxy.use(Fault("drip", "GET", times=9))
        began = time.monotonic()
        with pytest.raises(TransientError):
            store.get("a")
        assert time.monotonic() - began < 100
        proxy.use(Fault("slow", "GET"))
        assert store.get("a") == bytes(1000)
