"""A compressed tar is inflated once for all that read it, and nothing of it stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.storage import ObjectChanged, open_store
from cluster.storage.local import LocalStore
from cluster.storage.range_reader import RangeReader
from schemas.errors import RecordError
from tests.support.archives import tarred
from workers.reading.archives.inflated_tars import InflatedTars

BODY = tarred({"a": bytes(range(256)) * 4000}, "gz")
TAR = tarred({"a": bytes(range(256)) * 4000})


class Counting(LocalStore):
    """A folder that counts how often each file is opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), open_store(str(folder)).backoff)
        self.opened: list[str] = []

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        self.opened.append(key)
        return super().open_reader(key, if_etag=if_etag)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    for name in "abc":
        (tmp_path / f"{name}.tgz").write_bytes(BODY)
    return Counting(tmp_path)


def reader(tars: InflatedTars, store: Counting, key: str) -> Callable[[int, int], bytes]:
    etag = next(info.etag for info in store.list() if info.key == key)
    return tars.opened(store, key, etag, len(TAR))


def test_threads_that_ask_at_once_read_it_once(store: Counting) -> None:
    tars = InflatedTars()
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda at: reader(tars, store, "a.tgz")(at * 1000, 1000), range(100)))
    assert b"".join(parts) == TAR[:100_000]
    assert store.opened == ["a.tgz"]


def test_the_last_few_are_kept_and_one_that_went_can_still_be_read_by_who_holds_it(store: Counting) -> None:
    tars = InflatedTars(kept=2)
    held = reader(tars, store, "a.tgz")
    for key in ("b.tgz", "a.tgz", "c.tgz", "a.tgz", "b.tgz"):
        assert reader(tars, store, key)(0, 512) == TAR[:512]
    assert store.opened == ["a.tgz", "b.tgz", "c.tgz", "b.tgz"]
    tars.close()
    assert held(512, 2000) == TAR[512:2512]


def test_nothing_of_it_has_a_name_on_the_disk(
    store: Counting, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    read = reader(InflatedTars(), store, "a.tgz")
    assert read(0, 100) == TAR[:100]
    assert os.listdir(folder) == []


def test_what_became_larger_or_another_one_is_told(store: Counting) -> None:
    (info, *_) = store.list()
    with pytest.raises(RecordError, match="too_large"):
        InflatedTars().opened(store, info.key, info.etag, len(TAR) - 1)
    with pytest.raises(ObjectChanged):
        InflatedTars().opened(store, info.key, "another", len(TAR))
