"""Unpacks programs and data of Debian, with what they need that is not here, into a folder: no root, the system stays
as it is.

`make oracles` runs it. Where apt-get is absent, offline or knows no such package it says so and ends well: the tests
that compare with a program, or read the data, then skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 300
_PATIENCE = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")


@dataclass(frozen=True)
class Program:
    """A command, where its package has it, and the packages that it comes in."""

    command: str
    place: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """A package of files that are read as they are, and one of them."""

    package: str
    place: str


PLINK2 = Program("plink2", "usr/bin/plink2", ("plink2",))
ORTHANC = Program("Orthanc", "usr/sbin/Orthanc", ("orthanc", "orthanc-dicomweb"))
MRICRON = Data("mricron-data", "usr/share/mricron/templates/ch2.nii.gz")


class _Unavailable(Exception):
    pass


def install(program: Program, folder: Path) -> str:
    """Put the command into `folder`, unless there is one. Returns a line that says what was done."""
    folder = folder.resolve()
    command = folder / program.command
    if found := shutil.which(program.command):
        return f"{program.command} is {found}"
    if command.exists():
        return f"{program.command} is {command}"
    root = folder / f"root-{program.command}"
    try:
        _unpack(program.packages, folder, root)
        partial = folder / f"{program.command}.partial"
        partial.write_text(f'#!/bin/sh\n{_settings(root)} exec "{root}/{program.place}" "$@"\n', encoding="utf-8")
        partial.chmod(0o755)
        version = _run([str(partial), "--version"], folder).strip().splitlines()[0]
        partial.rename(command)
    except _Unavailable as error:
        return f"{program.command} could not be had ({error}): tests that compare with it will skip"
    finally:
        shutil.rmtree(folder / "apt", ignore_errors=True)
    return f"{program.command} is {command}: {version}"


def install_data(data: Data, folder: Path) -> str:
    """Unpack its files below `folder`, unless they are there. Returns a line that says what was done."""
    root = place_of(data, folder.resolve())
    found = root / data.place
    if not found.exists():
        try:
            _unpack([data.package], folder.resolve(), root)
        except _Unavailable as error:
            return f"{data.package} could not be had ({error}): tests that read it will skip"
        finally:
            shutil.rmtree(folder / "apt", ignore_errors=True)
    return f"{data.package} is below {root}"


def place_of(data: Data, folder: Path) -> Path:
    """Where the files of a package lie, as if that were the root of the system."""
    return folder / f"root-{data.package}"


def _settings(root: Path) -> str:
    """Where the command finds its libraries, and DCMTK its dictionary."""
    settings = f'LD_LIBRARY_PATH="{":".join(sorted({str(path.parent) for path in root.rglob("*.so*")}))}"'
    dictionary = next(root.rglob("dicom.dic"), None)
    return settings if dictionary is None else f'{settings} DCMDICTPATH="{dictionary}"'


def _unpack(wanted: Sequence[str], folder: Path, root: Path) -> None:
    """The packages, and those that they depend on and that this machine lacks, unpacked into `root`."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise _Unavailable("there is no apt-get here")
    root.mkdir(parents=True, exist_ok=True)
    packages = folder / "apt" / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    options: list[str] = [*_PATIENCE]
    try:
        names = _lacking(wanted, options, packages)
    except _Unavailable:
        # The machine's own lists may be absent, and only root may fetch them: ours lie in the folder.
        options += _own_lists(folder / "apt")
        _run(["apt-get", *options, "update"], packages)
        names = _lacking(wanted, options, packages)
    _run(["apt-get", *options, "download", *names], packages)
    for package in sorted(packages.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(root)], packages)


def _lacking(wanted: Sequence[str], options: Sequence[str], folder: Path) -> list[str]:
    """What an installation would bring; it is only asked for."""
    asked = ["apt-get", *options, "install", "--simulate", "--no-install-recommends", *wanted]
    lines = _run([*asked, "-o", "Debug::NoLocking=1"], folder).splitlines()
    return sorted({line.split()[1] for line in lines if line.startswith("Inst ")} | set(wanted))


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
    for one in (PLINK2, ORTHANC):
        print(install(one, Path(sys.argv[1])))
    print(install_data(MRICRON, Path(sys.argv[1])))
