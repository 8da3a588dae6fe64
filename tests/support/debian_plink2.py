"""Unpacks Debian's plink2 and the libraries it links to into a folder: no root needed, the system stays as it is.

`make oracles` runs it. Where apt-get is absent, offline or knows no such package it says so and ends well: the tests
that compare with plink2 then skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PACKAGE = "plink2"
_LIBRARIES = ("libblas3", "liblapack3", "libgfortran5", "libquadmath0", "libdeflate0", "libzstd1")
_SECONDS = 300
_PATIENCE = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")


class _Unavailable(Exception):
    pass


def install(folder: Path) -> str:
    """Put the command at `folder/plink2`, unless there is one. Returns a line that says what was done."""
    folder = folder.resolve()
    command = folder / PACKAGE
    if found := shutil.which(PACKAGE):
        return f"plink2 is {found}"
    if command.exists():
        return f"plink2 is {command}"
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return "plink2 is not here and there is no apt-get: tests that compare with it will skip"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _unpack(folder)
        root = folder / "root"
        libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
        partial = folder / "plink2.partial"
        partial.write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{":".join(libraries)}" exec "{root}/usr/bin/plink2" "$@"\n', encoding="utf-8"
        )
        partial.chmod(0o755)
        version = _run([str(partial), "--version"], folder).strip()
        partial.rename(command)
    except _Unavailable as error:
        return f"plink2 could not be had ({error}): tests that compare with it will skip"
    finally:
        shutil.rmtree(folder / "apt", ignore_errors=True)
    return f"{version} is {command}"


def _unpack(folder: Path) -> None:
    """The package and what it links to, unpacked into `folder/root`."""
    packages = folder / "apt" / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    options: list[str] = [*_PATIENCE]
    try:
        _run(["apt-get", *options, "download", PACKAGE], packages)
    except _Unavailable:
        # The machine's own lists may be absent, and only root may fetch them: ours lie in the folder.
        options += _own_lists(folder / "apt")
        _run(["apt-get", *options, "update"], packages)
        _run(["apt-get", *options, "download", PACKAGE], packages)
    for library in _LIBRARIES:
        # Not every release and processor has each of them; whether something lacks is seen when plink2 is started.
        with suppress(_Unavailable):
            _run(["apt-get", *options, "download", library], packages)
    for package in sorted(packages.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(folder / "root")], packages)


def _own_lists(folder: Path) -> list[str]:
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache", "-o", "Debug::NoLocking=1"]


def _run(command: Sequence[str], folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unavailable(f"{command[0]}: {type(error).__name__}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise _Unavailable(f"{Path(command[0]).name} ended with {done.returncode}: {last}")
    return done.stdout


if __name__ == "__main__":
    print(install(Path(sys.argv[1])))
