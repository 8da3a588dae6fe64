"""Against the tools of the shell that the docstring names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.storage.digest import digest_files, digest_of, file_names, sha256_of

SHELL = r"find . -type f -printf '%P\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in (("b.bin", b"\x00\xff"), ("a/z.txt", b"x"), ("a.txt", b""), (".hidden", b"h"), ("ä ö", b"u")):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (tmp_path / "model" / "empty").mkdir()
    return tmp_path / "model"


def test_a_directory_has_the_digest_that_sha256sum_gives(folder: Path) -> None:
    said = subprocess.run(SHELL, shell=True, cwd=folder, check=True, capture_output=True, text=True).stdout
    assert digest_of(digest_files(folder)) == said.split()[0]


def test_it_depends_on_names_and_bodies_and_not_on_their_order(folder: Path) -> None:
    files = digest_files(folder)
    assert digest_of(dict(reversed(files.items()))) == digest_of(files)
    moved = {("c.bin" if name == "b.bin" else name): digest for name, digest in files.items()}
    assert digest_of(moved) != digest_of(files)


def test_files_are_named_by_their_path_below_the_folder_hidden_ones_too(folder: Path) -> None:
    assert file_names(folder) == [".hidden", "a.txt", "a/z.txt", "b.bin", "ä ö"]


def test_a_folder_that_is_not_there_is_an_error_and_not_empty(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_names(tmp_path / "gone")


def test_a_body_and_a_file_of_it_have_one_digest(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, the one-block example
    assert sha256_of(b"abc") == sha256_of(tmp_path / "x") == known
