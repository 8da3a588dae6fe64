"""From a uri to its store, without a request."""

from pathlib import Path

import pytest

from cluster.storage.base import open_store
from cluster.storage.local import LocalStore
from cluster.storage.objects import MultipartStore
from cluster.storage.s3 import S3Store
from cluster.storage.settings import StorageSettings
from schemas.errors import UsageError

NOBODY = StorageSettings(endpoint_url="http://127.0.0.1:9", region="us-east-1")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_path_is_a_store_on_this_disk_and_need_not_exist(tmp_path: Path, form: str) -> None:
    store = open_store(form.format(tmp_path / "not-there"))
    assert isinstance(store, LocalStore)
    assert store.uri == str(tmp_path / "not-there")
    assert not (tmp_path / "not-there").exists()


def test_a_bucket_is_one_of_s3_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    store = open_store("s3://bucket/a/b/", NOBODY)
    assert isinstance(store, S3Store)
    assert store.uri == "s3://bucket/a/b"


def test_only_a_store_that_sends_large_objects_in_parts_says_so(tmp_path: Path) -> None:
    assert isinstance(open_store("s3://bucket", NOBODY), MultipartStore)
    assert not isinstance(open_store(str(tmp_path)), MultipartStore)


@pytest.mark.parametrize("uri", ["s3://bucket/x", "/x"])
def test_how_it_is_tried_again_and_who_commits_come_from_the_caller(uri: str) -> None:
    settings = NOBODY.model_copy(update={"attempts": 3, "backoff": 0.5, "longest_backoff": 2.0})
    store = open_store(uri, settings, single_committer=True)
    assert (store.backoff.attempts, store.backoff.first, store.backoff.longest) == (3, 0.5, 2.0)
    assert store.single_committer
    assert not open_store(uri, settings).single_committer


@pytest.mark.parametrize("uri", ["gs://bucket/x", "https://host/x", ""])
def test_any_other_scheme_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        open_store(uri)
