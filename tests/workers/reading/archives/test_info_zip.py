"""Archives of Info-ZIP, as hospitals and challenges hand them out, are what it packed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cluster.storage import open_store
from tests.support.archives import Opened, opened

ZIP = shutil.which("zip")
pytestmark = pytest.mark.skipif(ZIP is None, reason="no zip on this machine")
FILES = {"DICOM/IM1": os.urandom(5000), "DICOM/ü/IM2": b"x" * 90_000, "READ ME": b"", "DICOMDIR": b"y" * 700}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in FILES.items():
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_bytes(body)
    (tmp_path / "in").mkdir()
    return tmp_path / "made"


def packed(folder: Path, *options: str, pipe: bool = False) -> Opened:
    target = folder.parent / "in" / "x.zip"
    target.unlink(missing_ok=True)
    command = [str(ZIP), "-q", "-r", *options, "-" if pipe else str(target), "."]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE if pipe else None)
    if pipe:
        target.write_bytes(done.stdout)
    return opened(open_store(str(folder.parent / "in")))


# Not -fz into a pipe: Info-ZIP then leaves the zip64 end record out, and its own unzip refuses the archive.
@pytest.mark.parametrize(
    ("options", "pipe"),
    [(options, pipe) for options in ((), ("-0",), ("-9", "-X"), ("-D",)) for pipe in (False, True)]
    + [(("-fz",), False)],
)
def test_its_files_have_their_bytes(folder: Path, options: tuple[str, ...], pipe: bool) -> None:
    found = packed(folder, *options, pipe=pipe)
    files = {f"x.zip!/{name}": body for name, body in FILES.items()}
    assert {key: found.body(key) for key in found.keys} == files
    assert {key: found.ranged(key) for key in found.keys} == files
    assert found.passed == ({} if "-D" in options else {"folders": 2})


def test_one_behind_a_program_whose_offsets_were_mended(folder: Path) -> None:
    packed(folder)
    target = folder.parent / "in" / "x.zip"
    target.write_bytes(b"#!/bin/sh\nexit 1\n" + target.read_bytes())
    for mend in (False, True):
        if mend:
            subprocess.run([str(ZIP), "-q", "-A", str(target)], check=True)
        found = opened(open_store(str(folder.parent / "in")))
        assert {key: found.body(key) for key in found.keys} == {f"x.zip!/{name}": body for name, body in FILES.items()}


def test_a_password_and_a_link_are_told(folder: Path) -> None:
    found = packed(folder, "-P", "secret")
    said = {found.body(key) for key in found.keys if key != "x.zip!/READ ME"}
    assert said == {"unsupported: it is encrypted in its archive: pack it again without a password"}
    (folder / "link").symlink_to("/etc/passwd")
    found = packed(folder, "-y")
    assert found.body("x.zip!/link") == "unsupported: it is a link in its archive, and links are not followed there"


def test_a_part_of_a_split_one_is_told(folder: Path) -> None:
    for number in range(3):
        (folder / f"more{number}").write_bytes(os.urandom(60_000))
    found = packed(folder, "-s", "64k")
    assert found.body("x.zip") == "unsupported: a part of a zip that was split over several files: join them"
