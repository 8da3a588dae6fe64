"""Objects that these credentials may not read, passed over where that is chosen and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster.storage import AccessRefusedError, NotAllowedError, ObjectForbidden, Store, open_store
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3


def passing_over(s3: S3, prefix: str, endpoint_url: str) -> Store:
    return open_store(prefix, s3.through(endpoint_url).model_copy(update={"forbidden": "row"}))


def test_every_way_to_read_tells_of_the_object_and_what_is_allowed_is_read(
    s3: S3, bucket_prefix: str, tmp_path: Path
) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        store = passing_over(s3, bucket_prefix, proxy.endpoint_url)
        for key in ("a", "b"):
            store.put(key, b"12345", {})
        proxy.use(Fault("forbidden", "GET|HEAD", "/a$", times=99))
        for call in (
            lambda: store.get("a"),
            lambda: store.head("a"),
            lambda: store.version("a", None),
            lambda: store.sha256("a"),
            lambda: store.open_reader("a"),
            lambda: store.download("a", tmp_path / "a"),
        ):
            with pytest.raises(ObjectForbidden):
                call()
        with store.open_reader("b") as file:
            assert file.read() == b"12345"
        # As of an object under a key of KMS: it is seen and cannot be read.
        proxy.use(Fault("forbidden", "GET", "/b$", times=99))
        with store.open_reader("b") as file, pytest.raises(ObjectForbidden):
            file.read()


def test_a_refusal_that_passes_and_one_of_credentials_are_no_such_thing(s3: S3, bucket_prefix: str) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        store = passing_over(s3, bucket_prefix, proxy.endpoint_url)
        store.put("a", b"12345", {})
        proxy.use(Fault("forbidden", "GET", "/a$"))
        assert store.get("a") == b"12345"
        proxy.use(Fault("unknown_user", "GET", "/a$", times=99))
        with pytest.raises(AccessRefusedError, match="AWS_ACCESS_KEY_ID"):
            store.get("a")
        # A HEAD says no reason; the GET behind it does.
        proxy.use(Fault("forbidden", "HEAD", "/a$", times=99), Fault("unknown_user", "GET", "/a$", times=99))
        with pytest.raises(AccessRefusedError, match="AWS_ACCESS_KEY_ID"):
            store.head("a")


def test_where_it_is_not_chosen_it_is_an_outage(s3: S3, bucket_prefix: str) -> None:
    with FaultProxy(s3.endpoint_url, [Fault("forbidden", "GET", "/a$", times=99)]) as proxy:
        store = open_store(bucket_prefix, s3.through(proxy.endpoint_url))
        with pytest.raises(NotAllowedError):
            store.get("a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_forbidden_too(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a").chmod(0)
    store = open_store(str(tmp_path), s3.settings.model_copy(update={"forbidden": "row"}))
    with pytest.raises(ObjectForbidden):
        store.get("a")
