"""Archives as images of a prefix and of a table, on a disk and on S3, read by what reads images."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cluster.storage import StorageSettings, Store, open_store
from schemas.errors import InfrastructureError, SpecError
from schemas.status import Status
from tests.support.archives import tarred, zipped
from tests.support.dicom_files import shipped
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.seaweed import S3
from workers.images.fetching import Fetched, Wanted, fetcher_of
from workers.images.planning import ImageRecords
from workers.images.settings import ImagesInput

FILES = {"p/CT.dcm": shipped("CT_small.dcm"), "p/#1!/MR.dcm": shipped("MR_small.dcm"), "p/notes.json": b"{}"}
IMAGES = [name for name in FILES if not name.endswith(".json")]
ARCHIVES = {"a.zip": zipped(FILES), "deep/b.tar": tarred(FILES), "c.tar.gz": tarred(FILES, "gz")}


class Planned:
    """An input as it is planned, and read by the plan."""

    def __init__(self, uri: str, storage: StorageSettings, **more: object) -> None:
        self.source = ImagesInput.model_validate({"collection": "images", "uri": uri, **more})
        self.storage = storage
        records = ImageRecords(self.source, storage)
        self.rows = pa.Table.from_batches(records.batches(), records.schema).to_pylist()
        self.passed = records.passed_over()

    @property
    def ids(self) -> list[str]:
        return [row["record_id"] for row in self.rows]

    def fetched(self) -> dict[str, Fetched]:
        fetcher = fetcher_of(self.source, self.storage, 3)
        wanted = [Wanted(row["uri"], etag=row["etag"]) for row in self.rows]
        found = dict(zip(self.ids, fetcher.fetch(wanted), strict=True))
        fetcher.close()
        return found

    def statuses(self) -> dict[str, str]:
        return {name: f"{one.status}: {one.detail}" if one.status else "ok" for name, one in self.fetched().items()}


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return open_store(str(tmp_path / "in"))
    server: S3 = request.getfixturevalue("s3")
    return open_store(request.getfixturevalue("bucket_prefix"), server.settings)


@pytest.fixture
def storage(store: Store, request: pytest.FixtureRequest) -> StorageSettings:
    return request.getfixturevalue("s3").settings if store.uri.startswith("s3:") else StorageSettings()


def fill(store: Store, objects: dict[str, bytes]) -> None:
    for key, body in objects.items():
        store.put(key, body, {})


def test_a_prefix_with_archives_is_their_members_among_other_objects(store: Store, storage: StorageSettings) -> None:
    fill(store, {**ARCHIVES, "b.dcm": FILES["p/CT.dcm"]})
    planned = Planned(store.uri, storage)
    assert planned.ids == [
        *(f"a.zip!/{name}" for name in IMAGES),
        "b.dcm",
        *(f"c.tar.gz!/{name}" for name in IMAGES),
        *(f"deep/b.tar!/{name}" for name in IMAGES),
    ]
    assert planned.passed == {"*.json beside images": 3}
    for name, one in planned.fetched().items():
        assert one.status is None
        assert bytes(one.data) == FILES["p/CT.dcm" if name == "b.dcm" else name.partition("!/")[2]]
    assert [row["size"] for row in planned.rows] == [len(one.data) for one in planned.fetched().values()]


def test_one_archive_is_an_input(store: Store, storage: StorageSettings) -> None:
    fill(store, ARCHIVES)
    assert Planned(f"{store.uri}/a.zip", storage).ids == [f"a.zip!/{name}" for name in IMAGES]
    fill(store, {"empty.zip": zipped({}), "folder.zip/a.dcm": FILES["p/CT.dcm"]})
    for name in ("none.zip", "empty.zip"):
        with pytest.raises(SpecError, match="holds no image, or is not there"):
            Planned(f"{store.uri}/{name}", storage)
    for uri in (f"{store.uri}/folder.zip", f"{store.uri}/folder.zip/"):
        planned = Planned(uri, storage)
        assert (planned.ids, planned.statuses()) == (["a.dcm"], {"a.dcm": "ok"})


def test_a_pattern_picks_members_by_their_keys_or_all_of_an_archive(store: Store, storage: StorageSettings) -> None:
    fill(store, {**ARCHIVES, "b.dcm": b"", "cut.zip": b"PK"})
    assert Planned(store.uri, storage, glob="*MR*").ids == [
        "a.zip!/p/#1!/MR.dcm",
        "c.tar.gz!/p/#1!/MR.dcm",
        "cut.zip",
        "deep/b.tar!/p/#1!/MR.dcm",
    ]
    assert Planned(store.uri, storage, glob="a.*").ids == [*(f"a.zip!/{name}" for name in IMAGES), "cut.zip"]


def test_an_archive_that_changes_after_it_was_planned_is_told_of_each_member(
    store: Store, storage: StorageSettings
) -> None:
    fill(store, ARCHIVES)
    planned = Planned(store.uri, storage)
    assert set(planned.statuses().values()) == {"ok"}
    fill(store, {"a.zip": zipped({**FILES, "p/more.dcm": b""}), "c.tar.gz": tarred({}, "gz")})
    changed = {name: said for name, said in planned.statuses().items() if said != "ok"}
    assert set(changed) == {f"{archive}!/{name}" for archive in ("a.zip", "c.tar.gz") for name in IMAGES}
    assert set(changed.values()) == {"input_changed: the object was changed after it was planned"}


def test_a_table_names_members_and_whole_archives(store: Store, storage: StorageSettings) -> None:
    fill(store, {**ARCHIVES, "cut.tgz": b"\x1f\x8b\x08", "plain.dcm": FILES["p/CT.dcm"]})
    rows = [
        "one,a.zip!/p/CT.dcm,x",
        "two,./deep/../c.tar.gz!/p/#1!/MR.dcm,y",
        "all,deep/b.tar,z",
        "none,a.zip!/p/none.dcm,",
        "gone,gone.zip!/p/CT.dcm,",
        "away,gone.tar,",
        "cut,cut.tgz!/p/CT.dcm,",
        "plain,plain.dcm,",
    ]
    fill(store, {"list.csv": "\n".join(["record_id,uri,subject_id", *rows]).encode()})
    planned = Planned(f"{store.uri}/list.csv", storage)
    assert planned.statuses() == {
        "one": "ok",
        "two": "ok",
        **{f"all!/{name}": "ok" for name in IMAGES},
        "none": "missing: its archive has no member of this name",
        "gone": "missing: no object at its uri",
        "away": "missing: no object at its uri",
        "cut": "unreadable: the gzip around the tar is cut off or damaged",
        "plain": "ok",
    }
    assert bytes(planned.fetched()["two"].data) == FILES["p/#1!/MR.dcm"]
    assert [row["subject_id"] for row in planned.rows][:4] == ["x", "y", "z", "z"]
    assert planned.passed == {"*.json beside images": 1}


def test_a_link_to_an_archive_outside_the_roots_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.zip").write_bytes(ARCHIVES["a.zip"])
    (tmp_path / "in" / "link.zip").symlink_to(tmp_path / "out.zip")
    (tmp_path / "in" / "list.csv").write_text("uri\nlink.zip!/p/CT.dcm\nlink.zip\n")
    found = Planned(str(tmp_path / "in" / "list.csv"), StorageSettings()).fetched()
    assert [one.detail for one in found.values()] == ["lies outside input.roots"] * 2


def test_the_same_member_in_two_rows_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(ARCHIVES["a.zip"])
    (tmp_path / "list.csv").write_text(f"uri\na.zip!/p/CT.dcm\n{tmp_path}/a.zip!/p/CT.dcm\n")
    with pytest.raises(SpecError, match="rows 1 and 2 of the table name the same object"):
        Planned(str(tmp_path / "list.csv"), StorageSettings())


def test_a_folder_that_is_called_like_a_member_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip!").mkdir()
    (tmp_path / "x.zip!" / "a.dcm").write_bytes(FILES["p/CT.dcm"])
    with pytest.raises(SpecError, match="rename that folder"):
        Planned(str(tmp_path), StorageSettings())


def test_a_member_that_nobody_planned_is_looked_up_by_its_name(store: Store, storage: StorageSettings) -> None:
    fill(store, ARCHIVES)
    planned = Planned(store.uri, storage)
    fetcher = fetcher_of(planned.source, storage, 2)
    found = fetcher.fetch([Wanted(row["uri"]) for row in planned.rows] + [Wanted(f"{store.uri}/a.zip!/none")])
    fetcher.close()
    assert [one.status for one in found] == [None] * len(planned.rows) + [Status.MISSING]


@pytest.mark.parametrize("ways", ["GET|HEAD", "GET"])
def test_an_archive_that_the_store_does_not_give_is_one_row_where_that_is_chosen(
    s3: S3, bucket_prefix: str, ways: str
) -> None:
    fill(open_store(bucket_prefix, s3.settings), ARCHIVES)
    with FaultProxy(s3.endpoint_url) as proxy:
        proxy.use(Fault("forbidden", ways, "/(a.zip|b.tar)$", times=999))
        planned = Planned(bucket_prefix, s3.through(proxy.endpoint_url).model_copy(update={"forbidden": "row"}))
        refused = "forbidden: the store refuses it to these credentials"
        assert planned.statuses() == {
            "a.zip": refused,
            **{f"c.tar.gz!/{name}": "ok" for name in IMAGES},
            "deep/b.tar": refused,
        }


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_store_that_fails_is_an_outage_and_never_damage(s3: S3, bucket_prefix: str, archive: str) -> None:
    fill(open_store(bucket_prefix, s3.settings), {archive: ARCHIVES[archive]})
    with FaultProxy(s3.endpoint_url) as proxy:
        storage = s3.through(proxy.endpoint_url)
        planned = Planned(bucket_prefix, storage)
        proxy.use(Fault("internal_error", "GET", f"/{archive}$", times=999))
        with pytest.raises(InfrastructureError):
            Planned(bucket_prefix, storage)
        with pytest.raises(InfrastructureError):
            planned.fetched()
