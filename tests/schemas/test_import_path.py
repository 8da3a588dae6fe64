"""The order of Python's path in processes that are ours alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from schemas.import_path import ROOT, arranged, python_path
from tests.support import user_folders

LIBRARY = os.path.dirname(os.__file__)
SITE = "/opt/venv/lib/python3.11/site-packages"


def test_the_standard_library_comes_first_then_ours_then_packages_then_folders_of_the_user() -> None:
    path = ["/home/user", LIBRARY, f"{LIBRARY}/lib-dynload", SITE, "/opt/editable", "/opt/ours"]
    assert arranged(path, "/opt/ours") == [
        LIBRARY,
        f"{LIBRARY}/lib-dynload",
        "/opt/ours",
        SITE,
        "/home/user",
        "/opt/editable",
    ]


def test_an_installation_is_not_doubled_and_the_working_directory_is_named() -> None:
    assert arranged(["", SITE, LIBRARY, ""], SITE) == [LIBRARY, SITE, os.getcwd()]


def test_what_is_started_from_here_finds_what_is_found_here() -> None:
    entries = python_path().split(os.pathsep)
    assert set(entries) == {entry or os.getcwd() for entry in sys.path} | {ROOT}
    assert entries.index(LIBRARY) < entries.index(ROOT)


def test_a_node_with_an_installation_of_its_own_takes_that(tmp_path: Path) -> None:
    crowded = user_folders.make(tmp_path / "crowded")
    code = (
        f"import sys; sys.path.insert(0, {str(user_folders.ROOT)!r}); from schemas.import_path import claim; "
        "del sys.modules['schemas'], sys.modules['schemas.import_path']; "
        f"sys.path.insert(0, {str(crowded)!r}); claim('/nowhere'); "
        "import json, queue, schemas.errors, workers; print(workers.__file__)"
    )
    done = user_folders.ended(["-P", "-c", code], tmp_path, "")
    assert done.stdout.strip() == str(user_folders.ROOT / "workers" / "__init__.py"), done.stderr


def test_a_package_of_the_users_that_was_imported_before_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "__init__.py").touch()
    code = (
        "import workers, sys; from schemas.import_path import claim; "
        f"sys.path.insert(0, {str(user_folders.ROOT)!r}); claim({str(user_folders.ROOT)!r}); "
        "import workers.registry; print(workers.__file__)"
    )
    done = user_folders.ended(["-P", "-c", code], tmp_path, f"{tmp_path}{os.pathsep}{user_folders.ROOT}")
    assert done.stdout.strip() == str(user_folders.ROOT / "workers" / "__init__.py"), done.stderr
