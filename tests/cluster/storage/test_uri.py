from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.storage.uri import is_inside, join, parse, split
from schemas.errors import UsageError


@pytest.mark.parametrize("key", ["a b", "ünï/日本", "100%25", "a+b", "a#b?c=d&e", "a//b", "/lead", "x/"])
def test_a_key_is_literal(key: str) -> None:
    parsed = parse(f"s3://bucket/{key}")
    assert (parsed.scheme, parsed.bucket, parsed.path) == ("s3", "bucket", key)
    assert str(parsed) == f"s3://bucket/{key}"


@pytest.mark.parametrize("name", ["a b", "ünï", "100%25", "a+b", "a#b?c"])
def test_a_plain_path_is_literal_and_a_file_uri_is_decoded(name: str, tmp_path: Path) -> None:
    assert parse(f"{tmp_path}/{name}").path == f"{tmp_path}/{name}"
    assert parse(join(f"file://{tmp_path}", name)).path == f"{tmp_path}/{name}"
    assert parse(join(str(tmp_path), name)).path == f"{tmp_path}/{name}"


def test_a_file_uri_is_what_python_makes_of_a_path(tmp_path: Path) -> None:
    path = tmp_path / "röntgen #1 50%.png"
    assert parse(path.as_uri()).path == str(path)


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("data/x").path == parse("./data//x").path == f"{tmp_path}/data/x"
    assert parse("data/../x").path == f"{tmp_path}/x"


@pytest.mark.parametrize("text", ["", "s3://", "s3:///key", "gs://b/k", "http://x/y", "file://host/x", "a\0b"])
def test_other_uris_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "bucket", "path"),
    [
        ("dicomweb+https://pacs.example.org/dicom-web", "pacs.example.org", "dicom-web"),
        ("DICOMweb+https://PACS.example.org:8443/a/b/", "pacs.example.org:8443", "a/b/"),
        ("dicomweb+http://[::1]:8042", "[::1]:8042", ""),
    ],
)
def test_a_service_has_a_host_and_an_address_below_it(text: str, bucket: str, path: str) -> None:
    parsed = parse(text)
    assert parsed.is_service
    assert (parsed.bucket, parsed.path) == (bucket, path)
    assert str(parsed) == f"{parsed.scheme}://{bucket}{f'/{path}' if path else ''}"


@pytest.mark.parametrize(
    "rest",
    ["", "/path", "user@host/p", "user:secret@host/p", "host/p?PatientID=7", "host/p#x", "host:port/", "h\n/p", "h/ü"],
)
def test_what_is_no_address_of_a_service_is_refused_and_no_secret_shown(rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"dicomweb+https://{rest}")
    assert "secret" not in str(caught.value)
    assert "PatientID" not in str(caught.value)


def test_join_puts_one_slash() -> None:
    assert join("s3://b", "k") == join("s3://b/", "k") == "s3://b/k"
    assert join("s3://b/p", "a/b") == "s3://b/p/a/b"


def test_split_gives_the_folder_and_the_name() -> None:
    assert split("s3://b/x/y.csv") == ("s3://b/x", "y.csv")
    assert split("s3://b/y.csv") == ("s3://b", "y.csv")
    assert split("/y.csv") == ("/", "y.csv")
    with pytest.raises(UsageError):
        split("s3://b/folder/")


@pytest.mark.parametrize("uri", ["s3://b/foo", "s3://b/foo/x", "s3://b/foo/%2e%2e/x", "s3://b/foo/..x"])
def test_what_lies_under_a_root_is_inside(uri: str) -> None:
    assert is_inside(uri, ["s3://other/", "s3://b/foo/"])
    assert is_inside(uri, ["s3://b/foo"])
    assert is_inside(uri, ["s3://b"])


@pytest.mark.parametrize(
    "uri",
    ["s3://b/foobar", "s3://b/fo", "s3://bb/foo/x", "s3://b/foo/../x", "s3://b/foo/..", "/foo/x", "gs://b/foo/x", ""],
)
def test_what_lies_elsewhere_is_not_inside(uri: str) -> None:
    assert not is_inside(uri, ["s3://b/foo"])


def test_local_paths_are_resolved_before_they_are_compared(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "rootless"
    for folder in (root / "deep", outside):
        folder.mkdir(parents=True)
    (root / "way-out").symlink_to(outside)
    (root / "way-in").symlink_to(root / "deep")
    assert is_inside(f"{root}/deep/x", [str(root)])
    assert is_inside(f"{root}/deep/../x", [str(root)])
    assert is_inside(f"{root}/way-in/x", [root.as_uri()])
    assert not is_inside(f"{root}/../x", [str(root)])
    assert not is_inside(f"file://{root}/%2e%2e/x", [str(root)])
    assert not is_inside(f"{root}/way-out/x", [str(root)])
    assert not is_inside(f"{outside}/x", [str(root)])
    assert is_inside("/anything", ["/"])


@given(st.text(st.characters(blacklist_characters="\0", codec="utf-8"), min_size=1))
def test_no_key_leaves_its_root_when_joined(name: str) -> None:
    if not {".", ".."}.isdisjoint(name.split("/")):
        assert not is_inside(join("s3://b/root", name), ["s3://b/root"])
    else:
        assert parse(join("s3://b/root", name)).path == f"root/{name}"
        assert is_inside(join("s3://b/root", name), ["s3://b/root"])
    assert os.path.isabs(parse(join("file:///root", name)).path)
