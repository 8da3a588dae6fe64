"""A uri names one file, or the files of a prefix whose names count."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings, open_store
from schemas.errors import SpecError
from tests.support.seaweed import S3
from workers.reading.listing import listed, locate, named_file, nothing_fits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a/x.CSV", "a/y.txt", "c.csv.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_a_uri_is_a_file_where_one_is_there_and_else_a_prefix(folder: Path) -> None:
    assert [locate(str(folder / name), StorageSettings())[1] for name in ("b.csv", "a", "a/", "none.csv")] == [
        "b.csv",
        None,
        None,
        None,
    ]
    store, name = locate(str(folder / "a" / "y.txt"), StorageSettings())
    assert (store.uri, name) == (open_store(str(folder / "a")).uri, "y.txt")


def test_files_count_by_pattern_and_ending_in_the_order_of_their_keys(folder: Path) -> None:
    store = open_store(str(folder))
    assert [info.key for info in listed(store)] == ["a/x.CSV", "a/y.txt", "b.csv", "c.csv.gz"]
    assert [info.key for info in listed(store, "a/*")] == ["a/x.CSV", "a/y.txt"]
    assert [info.key for info in listed(store, endings=(".csv", ".csv.gz"))] == ["a/x.CSV", "b.csv", "c.csv.gz"]


def test_objects_that_stand_for_a_folder_are_no_files(s3: S3, bucket_prefix: str) -> None:
    store = open_store(bucket_prefix, s3.settings)
    for key in ("a/", "a/b.csv"):
        store.put(key, b"" if key.endswith("/") else b"x", {})
    assert [info.key for info in listed(store)] == ["a/b.csv"]


def test_a_file_that_is_gone_is_named_as_what_the_uri_says(folder: Path) -> None:
    assert named_file(open_store(str(folder)), "b.csv").size == 1
    with pytest.raises(SpecError, match="not there"):
        named_file(open_store(str(folder)), "gone.csv")


@pytest.mark.parametrize("endings", [(), (".csv",)])
def test_a_name_that_is_no_utf8_is_named(folder: Path, endings: tuple[str, ...]) -> None:
    with open(bytes(folder) + b"/bild-\xff.csv", "wb"):
        pass
    with pytest.raises(SpecError, match=r"not UTF-8.*rename b'bild-\\xff.csv'"):
        list(listed(open_store(str(folder)), endings=endings))


def test_a_path_at_which_nothing_lies_is_told_as_that_and_not_as_a_name_without_an_ending(folder: Path) -> None:
    assert str(nothing_fits(open_store(str(folder / "none.csv")), "no file that ends with .csv")) == (
        "nothing lies at input.uri: correct it"
    )
    assert str(nothing_fits(open_store(str(folder)), "no file that ends with .smi")) == (
        "input.uri has no file that ends with .smi"
    )
