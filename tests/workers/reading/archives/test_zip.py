"""Members of a zip are objects with their own bytes, and what is wrong with a zip is told, a row a member."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest

from cluster.storage import Store, open_store
from tests.support.archives import MOST, Opened, opened, patched, streamed_zip, zip64, zipped

SIZES = "a.dcm unreadable: its archive names sizes"
FILES = {"a/1.dcm": b"one" * 100, "a/2.dcm": bytes(range(256)) * 300, "leer.dcm": b"", "b!/#3 ü.dcm": b"three"}


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("zips")))


def look(store: Store, body: bytes) -> Opened:
    store.put("x.zip", body, {})
    return opened(store)


def only(store: Store, body: bytes) -> str:
    """What is said of the only row that this archive has."""
    found = look(store, body)
    (key,) = found.keys
    said = found.body(key)
    assert isinstance(said, str)
    assert str(found.ranged(key)).partition(":")[0] == said.partition(":")[0]
    return f"{key.removeprefix('x.zip').removeprefix('!/')} {said}".strip()


@pytest.mark.parametrize("body", [zipped(FILES), zipped(FILES, zipfile.ZIP_STORED), streamed_zip(FILES)])
def test_members_have_the_bytes_that_were_packed_in_the_order_of_the_directory(store: Store, body: bytes) -> None:
    found = look(store, body)
    assert found.keys == [f"x.zip!/{name}" for name in FILES]
    assert [one.size for one in found.listed] == [len(content) for content in FILES.values()]
    for name, content in FILES.items():
        assert (found.body(f"x.zip!/{name}"), found.ranged(f"x.zip!/{name}")) == (content, content)


def test_a_member_is_read_from_any_place_and_back(store: Store) -> None:
    body = bytes(range(256)) * 1000
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        found = look(store, zipped({"0": b"x" * 999, "1": body}, method))
        with found.members.open_reader("x.zip!/1", if_etag=found.listed[1].etag) as file:
            assert file.seek(0, 2) == len(body)
            for at in (200_000, 5, 255_990, 0):
                file.seek(at)
                assert file.read(30) == body[at : at + 30]


def test_zip64_an_archive_behind_a_program_and_a_comment_with_the_mark_of_an_end(store: Store) -> None:
    for body in (
        zip64("a.dcm", b"body"),
        b"#!/bin/sh\n" + zipped({"a.dcm": b"body"}),
        b"#!/bin/sh\n" + zip64("a.dcm", b"body"),
        zipped({"a.dcm": b"body"})[:-2] + b"\x16\0" + b"PK\5\6" + b"\1" * 18,
    ):
        assert look(store, body).body("x.zip!/a.dcm") == b"body"


def test_more_members_than_a_zip_without_zip64_can_count(store: Store) -> None:
    names = [f"{number}.dcm" for number in range(66_000)]
    body = zipped(dict.fromkeys(names, b""), zipfile.ZIP_STORED)
    at = body.rindex(b"PK\5\6")
    plain = bytearray(body[at:])
    begins = zipfile.ZipFile(io.BytesIO(body)).start_dir
    size = body.index(b"PK\6\6", begins) - begins
    plain[8:20] = (
        (66_000 & 0xFFFF).to_bytes(2, "little") * 2 + size.to_bytes(4, "little") + begins.to_bytes(4, "little")
    )
    assert len(look(store, body[: begins + size] + bytes(plain)).keys) == 66_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (patched(zipped({"a.dcm": b"x"}), "flags", 1), "a.dcm unsupported: it is encrypted"),
        (patched(zipped({"a.dcm": b"x"}), "flags", 0x2041), "a.dcm unsupported: it is encrypted"),
        (zipped({"a.dcm": b"x"}, zipfile.ZIP_LZMA), "a.dcm unsupported: its archive compresses it by another method"),
        (zipped({"../a.dcm": b"x"}), "../a.dcm unsupported: its name in the archive"),
        (zipped({"/etc/a.dcm": b"x"}), "/etc/a.dcm unsupported: its name in the archive"),
        (zipped({"C:\\a.dcm": b"x"}), "C:\\a.dcm unsupported: its name in the archive"),
        (zipped({"in.zip": zipped({"a": b"x"})}), "in.zip unsupported: it is an archive in an archive"),
        (patched(zipped({"a.dcm": b"x" * 99}), "size", 98), "a.dcm unreadable: it inflates to more"),
        (patched(zipped({"a.dcm": b"x" * 99}), "size", 100), "a.dcm unreadable: it is damaged"),
        (patched(zipped({"a.dcm": b"x" * 99}), "crc", 7), "a.dcm unreadable: it is damaged"),
        (patched(zipped({"a.dcm": b"x" * 99}), "size", 0xFFFFFFF0), SIZES),
        (patched(zipped({"a.dcm": b"x" * 99}), "stored", 0xFFFF), SIZES),
        (patched(zipped({"a.dcm": b"x" * 99}, 0), "size", 98), SIZES),
        (
            zip64("a.dcm", b"x").replace(struct.pack("<2H3Q", 1, 24, 1, 1, 0), bytes([1, 0, 24, 0]) + b"\xff" * 24),
            SIZES,
        ),
        (patched(zipped({"a.dcm": b"x" * 99}), "name", 3, local=True), "a.dcm unreadable: its archive calls it by two"),
        (zipped({"a.dcm": b"x" * 99})[:-30], "unreadable: the zip has no central directory"),
        (zipped({"a.dcm": b"x" * 99})[3:], "unreadable: the central directory of the zip is damaged"),
        (b"", "unreadable: the zip has no central directory"),
        (b"GIF89a" * 30, "unreadable: the zip has no central directory"),
        (zipped({"a.dcm": b"x"}).replace(b"PK\1\2", b"PK\1\3"), "unreadable: the central directory of the zip is"),
        (zipped({"a.dcm": b"x"}).replace(b"PK\5\6\0\0", b"PK\5\6\1\0"), "unsupported: a part of a zip"),
    ],
)
def test_what_is_wrong_is_the_status_of_a_row(store: Store, body: bytes, said: str) -> None:
    assert only(store, body).startswith(said)


def test_a_member_that_becomes_more_than_is_allowed_is_not_inflated(store: Store) -> None:
    found = look(store, zipped({"bomb.dcm": bytes(MOST + 1), "most.dcm": bytes(MOST)}))
    assert found.body("x.zip!/most.dcm") == bytes(MOST)
    assert found.body("x.zip!/bomb.dcm") == "ObjectTooLarge"
    assert found.ranged("x.zip!/bomb.dcm") == f"too_large: it inflates to more than {MOST} bytes"


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(store: Store) -> None:
    """The header says a byte less than what comes out, with the checksum of that part: zipfile takes it."""
    body = patched(patched(zipped({"a.dcm": bytes(500_000)}), "size", 1000), "crc", zlib.crc32(bytes(1000)))
    assert only_whole(store, body) == "unreadable: it inflates to more than its archive says"


def only_whole(store: Store, body: bytes) -> bytes | str:
    found = look(store, body)
    return found.body(found.keys[0])


def test_members_that_share_bytes_are_refused_and_others_are_not(store: Store) -> None:
    body = zipped({"a.dcm": b"x" * 99, "b.dcm": b"y" * 99, "c.dcm": b"z" * 99})
    second = body.rindex(b"PK\1\2", 0, body.rindex(b"PK\1\2"))
    overlapping = body[: second + 42] + bytes(4) + body[second + 46 :]
    found = look(store, overlapping)
    shared = "unreadable: it shares bytes with another member of its archive"
    assert [found.body(key) for key in found.keys] == [shared, shared, b"z" * 99]


def test_of_one_name_the_same_content_counts_once_and_different_ones_are_told(store: Store) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        found = look(store, _doubled())
    assert found.keys == ["x.zip!/same.dcm", "x.zip!/other.dcm"]
    assert found.body("x.zip!/same.dcm") == b"same"
    assert found.body("x.zip!/other.dcm") == "unreadable: its archive has several members of this name, and they differ"
    assert found.passed == {"members that another of the same name stands for": 2}


def _doubled() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, body in [("same.dcm", b"same"), ("other.dcm", b"1"), ("same.dcm", b"same"), ("other.dcm", b"2")]:
            archive.writestr(name, body)
    return sink.getvalue()


def test_folders_and_what_file_managers_and_annotators_leave_are_counted(store: Store) -> None:
    names = ["d/", "__MACOSX/d/._1.dcm", "d/.DS_Store", "d/Thumbs.db", "d/1.json", "d/1.cls", "d/1.dcm", "DICOMDIR"]
    found = look(store, zipped(dict.fromkeys(names, b"")))
    assert found.keys == ["x.zip!/d/1.dcm", "x.zip!/DICOMDIR"]
    assert found.passed == {
        "folders": 1,
        "files of file managers (__MACOSX, .DS_Store, ...)": 3,
        "*.json beside images": 1,
        "*.cls beside images": 1,
    }
    assert look(store, zipped({"d/": b""})).passed == {"folders": 1, "archives without a file": 1}


def test_a_name_that_is_no_text_is_still_told_apart(store: Store) -> None:
    body = zipped({"ü-1.dcm": b"1", "ü-2.dcm": b"2"}).replace("ü".encode(), b"\xff\0")
    found = look(store, body)
    assert found.keys == ["x.zip!/%FF%00-1.dcm", "x.zip!/%FF%00-2.dcm"]
    assert [found.body(key) for key in found.keys] == [b"1", b"2"]


@pytest.mark.long
def test_memory_of_planning_does_not_grow_with_an_archive_but_for_some_bytes_a_member(store: Store) -> None:
    count = 200_000
    store.put("x.zip", zipped(dict.fromkeys((f"study/series/{number:08d}.dcm" for number in range(count)), b"")), {})
    code = (
        "import resource, sys; from collections import Counter; from cluster.storage import open_store\n"
        "from workers.reading.archives.listing import with_members\n"
        f"store = open_store({store.uri!r}); store.put('y.zip', {zipped({'a': b''})!r}, {{}})\n"
        "def peak():\n"
        "    sum(1 for _ in with_members(store, store.list(name), None, 1 << 30, Counter()))\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "for name in 'yx':\n"
        "    print(peak())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    one, all_of_them = map(int, done.stdout.split())
    assert all_of_them - one < 200 * count
