"""Archives of GNU tar, in each of its formats, are what GNU tar unpacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cluster.storage import open_store
from tests.support.archives import opened

TAR = shutil.which("tar")
pytestmark = pytest.mark.skipif(TAR is None, reason="no tar on this machine")


def tar(*arguments: str | Path) -> None:
    subprocess.run([str(TAR), *map(str, arguments)], check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "series ü" / ("deep" * 20) / ("deeper" * 12)).mkdir(parents=True)
    for number, path in enumerate(sorted(made.rglob("*/"))):
        (path / f"{number}.dcm").write_bytes(os.urandom(3000 + number))
    return made


@pytest.mark.parametrize("form", ["gnu", "posix", "oldgnu", "ustar"])
@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_every_format_gives_the_files_that_were_packed(tmp_path: Path, folder: Path, form: str, name: str) -> None:
    tar("-C", folder, f"--format={form}", "-caf", tmp_path / "in.tmp" if name == "x.tar" else tmp_path / name, ".")
    (tmp_path / "in").mkdir()
    (tmp_path / ("in.tmp" if name == "x.tar" else name)).rename(tmp_path / "in" / name)
    found = opened(open_store(str(tmp_path / "in")))
    files = {f"{name}!/./{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*.dcm")}
    assert {key: found.body(key) for key in found.keys} == files
    assert {key: found.ranged(key) for key in found.keys} == files


def test_links_holes_and_what_was_appended(tmp_path: Path, folder: Path) -> None:
    store = tmp_path / "in"
    store.mkdir()
    (folder / "a").write_bytes(b"old")
    os.link(folder / "a", folder / "b")
    (folder / "soft").symlink_to("a")
    with (folder / "holes").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(b"x")
    for form in ("gnu", "posix"):
        tar(
            "-C",
            folder,
            f"--format={form}",
            "-S",
            "--hole-detection=raw",
            "-cf",
            store / "x.tar",
            "a",
            "b",
            "soft",
            "holes",
        )
        (folder / "a").unlink()
        (folder / "a").write_bytes(b"new")
        tar("-C", folder, f"--format={form}", "-rf", store / "x.tar", "a")
        found = opened(open_store(str(store)))
        said = {key.removeprefix("x.tar!/"): found.body(key) for key in found.keys}
        assert said.pop("a") == b"new"
        assert sorted(said) == ["b", "holes", "soft"]
        assert all(str(one).startswith("unsupported: it is a") for one in said.values())
        assert found.passed == {"members that another of the same name stands for": 1}
        (folder / "a").write_bytes(b"old")
        (folder / "b").unlink()
        os.link(folder / "a", folder / "b")
