"""Members of a tar, compressed or not, are objects with their own bytes; what is wrong with one is told."""

from __future__ import annotations

import gzip
import tarfile
from collections import Counter

import pytest

from cluster.storage import Store, open_store
from schemas.errors import SpecError
from tests.support.archives import MOST, Opened, header, opened, tarred
from workers.reading.archives.listing import with_members

LONG = "deep/" * 60 + "ü#!.dcm"
FILES = {"./a/1.dcm": b"one" * 1000, LONG: bytes(range(256)) * 30, "empty.dcm": b"", "3": b"x" * 512}


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("tars")))


def look(store: Store, body: bytes, name: str = "x.tar") -> Opened:
    store.put(name, body, {})
    return opened(store)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", ["x.tar", "X.TAR.GZ", "x.tgz"])
def test_members_have_the_bytes_that_were_packed_in_their_order(store: Store, name: str, form: int) -> None:
    found = look(store, tarred(FILES, "" if name == "x.tar" else "gz", form), name)
    assert found.keys == [f"{name}!/{member}" for member in FILES]
    assert [one.size for one in found.listed] == [len(content) for content in FILES.values()]
    for member, content in FILES.items():
        assert (found.body(f"{name}!/{member}"), found.ranged(f"{name}!/{member}")) == (content, content)


def test_samples_of_webdataset_are_their_images_and_annotations_are_counted(store: Store) -> None:
    names = [f"{key}.{ending}" for key in ("0001", "0002") for ending in ("cls", "json", "left.png", "right.png")]
    found = look(store, tarred(dict.fromkeys(names, b"x")), "train-000000.tar")
    assert found.keys == [f"train-000000.tar!/{name}" for name in names if name.endswith(".png")]
    assert found.passed == {"*.cls beside images": 2, "*.json beside images": 2}


def test_links_sparse_files_and_names_that_lead_out_are_rows_and_the_rest_is_counted(store: Store) -> None:
    sparse = header("sparse", tarfile.GNUTYPE_SPARSE)
    files: dict[str, bytes | tarfile.TarInfo] = {
        "a": b"a",
        "soft": header("soft", tarfile.SYMTYPE, "/etc/passwd"),
        "hard": header("hard", tarfile.LNKTYPE, "a"),
        "sparse": sparse,
        "../up": b"b",
        "/root": b"c",
        "in.tar": tarred({"a": b"a"}),
        "folder": header("folder", tarfile.DIRTYPE),
        "pipe": header("pipe", tarfile.FIFOTYPE),
        "disk": header("disk", tarfile.BLKTYPE),
    }
    found = look(store, tarred(files, form=tarfile.GNU_FORMAT))
    assert [str(found.body(key)).partition(":")[0] for key in found.keys] == ["b'a'"] + ["unsupported"] * 6
    assert found.passed == {"folders": 1, "devices and pipes": 2}


def test_the_last_of_one_name_counts_as_where_a_tar_was_appended_to(store: Store) -> None:
    body = tarred({"a": b"old", "b": b"b"})
    appended = body[:2048] + tarred({"a": b"new"})
    found = look(store, appended)
    assert found.keys == ["x.tar!/b", "x.tar!/a"]
    assert found.body("x.tar!/a") == b"new"
    assert found.passed == {"members that another of the same name stands for": 1}


def _huge() -> bytes:
    """A member that says that it has more bytes than 64 bits can count."""
    info = tarfile.TarInfo("a")
    info.size = 1 << 70
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(2048)


CUT = "x.tar", "unreadable: the tar ends without its end mark: it may be cut off"
DAMAGED = "x.tar", "unreadable: a header of the tar is damaged, or it is no tar: no member behind it is known"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (tarred({"a": b"a", "b": b"b" * 900})[: 1024 + 512 + 700], [b"a", "unreadable: its archive ends", CUT[1]]),
        (tarred({"a": b"a", "b": b"b" * 900})[:1024], [b"a", CUT[1]]),
        (tarred({"a": b"a", "b": b"b" * 900})[:1300], [b"a", DAMAGED[1]]),
        (tarred({"a": b"a", "b": b"b"}).replace(b"b\0\0\0", b"b\1\0\0"), [b"a", DAMAGED[1]]),
        (tarred({"a": b"a"}) + tarred({"b": b"b"}), [b"a", "unreadable: something lies behind the end mark"]),
        (_huge(), ["unreadable: its archive ends", DAMAGED[1]]),
        (b"", [CUT[1]]),
        (b"no tar" * 999, [DAMAGED[1]]),
    ],
)
def test_a_tar_that_is_cut_off_or_damaged_has_the_members_before_that_and_a_row_for_itself(
    store: Store, body: bytes, said: list[bytes | str]
) -> None:
    found = look(store, body)
    got = [found.body(key) for key in found.keys]
    assert len(got) == len(said)
    for one, expected in zip(got, said, strict=True):
        assert one == expected if isinstance(expected, bytes) else str(one).startswith(expected)


def test_a_header_that_leads_back_or_is_too_long_ends_it(store: Store) -> None:
    """CVE-2025-8194: a negative size leads tarfile round for ever."""
    info = tarfile.TarInfo("a")
    info.size = 1
    records = tarfile.TarInfo("pax")
    records.type = tarfile.XHDTYPE
    for text in (b"20 size=-100000000\n", b"9999999 path=x\n", b"12 path=\xff\xff\n"):
        records.size = len(text)
        body = records.tobuf(tarfile.USTAR_FORMAT) + text.ljust(512, b"\0") + info.tobuf() + b"a".ljust(512, b"\0")
        assert look(store, body + bytes(1024)).keys[-1].startswith("x.tar")
    long = tarfile.TarInfo("long")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    found = look(store, long.tobuf() + bytes(4096))
    assert (found.keys, found.body("x.tar")) == (["x.tar"], DAMAGED[1])
    found = look(store, tarred({"a": b"a", "n" * 5000: b"b"}))
    assert (found.keys, found.body("x.tar")) == (["x.tar!/a", "x.tar"], DAMAGED[1])


@pytest.mark.parametrize("harm", [lambda b: b[:-30], lambda b: b[:80] + b"\xff" * 9 + b[89:], lambda b: b"no gzip" + b])
def test_a_compressed_tar_that_is_damaged_gives_no_member(store: Store, harm: object) -> None:
    body = harm(tarred({"a": b"a", "b": bytes(range(256)) * 20}, "gz"))
    found = look(store, body, "x.tgz")
    assert (found.keys, found.body("x.tgz")) == (["x.tgz"], "unreadable: the gzip around the tar is cut off or damaged")


def test_a_compressed_tar_that_inflates_to_too_much_is_told_and_is_not_inflated(store: Store) -> None:
    found = look(store, tarred({"a": bytes(MOST)}, "gz"), "x.tgz")
    assert found.keys == ["x.tgz"]
    assert str(found.body("x.tgz")).startswith("too_large: the tar inflates to more than input.max_inflated bytes")
    assert look(store, gzip.compress(tarred({"a": b"a"})), "x.tgz").body("x.tgz!/a") == b"a"


def test_a_large_member_of_a_tar_is_too_large_by_its_header(store: Store) -> None:
    found = look(store, tarred({"a": bytes(MOST + 1)}))
    assert found.body("x.tar!/a") == "ObjectTooLarge"
    assert found.ranged("x.tar!/a") == bytes(MOST + 1)


def test_an_archive_that_changes_is_told_while_it_is_listed_and_when_it_is_read(store: Store) -> None:
    found = look(store, tarred({"a": b"a"}))
    (listed,) = store.list()
    store.put("x.tar", tarred({"a": b"another"}), {})
    assert (found.body("x.tar!/a"), found.ranged("x.tar!/a")) == ("ObjectChanged", "ObjectChanged")
    with pytest.raises(SpecError, match=r"'x\.tar' of input.uri vanished or changed while it was planned"):
        list(with_members(store, [listed], None, MOST, Counter()))
    store.put("other", b"", {})
    store.delete("x.tar")
    assert found.body("x.tar!/a") == "ObjectMissing"
