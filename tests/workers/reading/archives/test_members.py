"""How much of an archive is read: what is needed of it, in few requests."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from cluster.storage import open_store
from cluster.storage.local import LocalStore
from cluster.storage.range_reader import RangeReader
from tests.support.archives import MOST, tarred, zipped
from workers.reading.archives.found import Counts
from workers.reading.archives.inflated_tars import InflatedTars
from workers.reading.archives.listing import with_members
from workers.reading.archives.members import MemberStore
from workers.reading.archives.scanning import Listed

MIB = 1 << 20
FILES = {f"{number}.dcm": os.urandom(3 * MIB) for number in range(3)} | {"small.dcm": os.urandom(5000)}


class Metered(LocalStore):
    """A folder that is read by ranges as S3 is, and notes the bytes of each request."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), open_store(str(folder)).backoff)
        self.requests: list[int] = []

    def get(
        self,
        key: str,
        start: int = 0,
        length: int | None = None,
        *,
        max_bytes: int | None = None,
        if_etag: str | None = None,
    ) -> bytes:
        body = super().get(key, start, length, max_bytes=max_bytes, if_etag=if_etag)
        self.requests.append(len(body))
        return body

    def open_reader(self, key: str, *, if_etag: str | None = None) -> RangeReader:
        head = self.version(key, if_etag)
        return RangeReader(lambda start, length: self.get(key, start, length, if_etag=head.etag), head.size)

    def spent(self) -> tuple[int, int]:
        """Requests and bytes since it was asked last."""
        found, self.requests = self.requests, []
        return len(found), sum(found)


def members(store: Metered) -> dict[str, Listed]:
    return {one.key.partition("!/")[2]: one for one in with_members(store, store.list(), None, 99 * MIB, Counts())}


def reading(store: Metered) -> MemberStore:
    return MemberStore(store, 99 * MIB, InflatedTars())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_planned_by_its_end_and_a_member_is_one_request(tmp_path: Path, method: int) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(FILES, method))
    store = Metered(tmp_path)
    found = members(store)
    requests, spent = store.spent()
    assert requests <= 3
    assert spent < 2.5 * MIB
    for name, body in FILES.items():
        assert reading(store).get(found[name].key, max_bytes=9 * MIB, if_etag=found[name].etag) == body
        requests, spent = store.spent()
        assert requests == 1
        assert spent < len(body) * 1.01 + 2000


def test_a_tar_of_large_members_is_planned_by_their_headers(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tarred({**FILES, "9.dcm": bytes(40 * MIB)}))
    store = Metered(tmp_path)
    found = members(store)
    assert store.spent()[1] < 7 * MIB
    for name, body in FILES.items():
        assert reading(store).get(found[name].key, max_bytes=9 * MIB, if_etag=found[name].etag) == body
        assert store.spent() == (1, len(body))


@pytest.mark.parametrize("name", ["x.zip", "stored.zip", "x.tar"])
def test_the_start_of_a_member_costs_its_start(tmp_path: Path, name: str) -> None:
    bodies = {"x.zip": zipped(FILES), "stored.zip": zipped(FILES, zipfile.ZIP_STORED), "x.tar": tarred(FILES)}
    (tmp_path / name).write_bytes(bodies[name])
    store = Metered(tmp_path)
    found = members(store)["1.dcm"]
    store.spent()
    with reading(store).open_reader(found.key, if_etag=found.etag) as file:
        assert file.seek(0, 2) == 3 * MIB
        file.seek(0)
        assert file.read(1000) == FILES["1.dcm"][:1000]
    requests, spent = store.spent()
    assert requests <= 2
    assert spent <= MIB // 2


def test_a_member_larger_than_is_taken_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(FILES))
    store = Metered(tmp_path)
    found = members(store)["1.dcm"]
    store.spent()
    with pytest.raises(Exception, match="more than the 1048576 allowed"):
        reading(store).get(found.key, max_bytes=MOST, if_etag=found.etag)
    assert store.spent() == (0, 0)
