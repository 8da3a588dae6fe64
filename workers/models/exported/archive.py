"""The files of a `.pt2` archive of torch.export (format 0, as torch 2.13 writes it), opened with suspicion.

It is a zip of stored files in one folder: the program as JSON in `models/`, weights as raw bytes that a JSON names.
Sample inputs, which are a pickle, are never opened. Imports no torch.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import SecurityError, SpecError
from workers.models.files import JSON_LIMIT, parse_json

_MOST_FILES = 100_000
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


class Archive:
    """One archive. Raises SpecError where it is none that can be read, SecurityError for one that swells or hides."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
            size = path.stat().st_size
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise SpecError(f"{path}: is not a zip that can be read ({error})") from error
        if len(infos) > _MOST_FILES or any(one.compress_type != zipfile.ZIP_STORED for one in infos):
            raise SecurityError(f"{path}: its files are compressed or too many, which torch.export does not write")
        if sum(one.file_size for one in infos) > size:
            raise SecurityError(f"{path}: its files have more bytes than it has itself")
        self._files = {one.filename: one for one in infos}
        if len(self._files) != len(infos):
            raise SecurityError(f"{path}: has two files of one name")
        self._root = self._only(lambda name: name.endswith("/archive_format")).removesuffix("archive_format")
        self._check_kind()

    def program(self) -> Mapping[str, Any]:
        """The one program, as JSON has it."""
        models = self._root + "models/"
        return self._json(self._only(lambda name: name.startswith(models) and name.endswith(".json")))

    def payloads(self) -> Mapping[str, Mapping[str, Any]]:
        """By parameter, buffer or constant: where its bytes lie and what they are, as JSON has it."""
        found: dict[str, Mapping[str, Any]] = {}
        for kind in ("weights", "constants"):
            folder = f"{self._root}data/{kind}/"
            config = self._json(folder + f"{self._stem()}_{kind}_config.json").get("config")
            if not isinstance(config, dict):
                raise SpecError(f"{self.path}: has no list of its {kind}")
            found |= {name: {**self._payload(name, said), "folder": folder} for name, said in config.items()}
        return found

    def bytes_of(self, payload: Mapping[str, Any]) -> bytes:
        """The raw bytes of one of `payloads`."""
        return self._read(payload["folder"] + payload["path_name"])

    def _payload(self, name: str, said: Any) -> Mapping[str, Any]:
        if not isinstance(said, dict) or not isinstance(said.get("path_name"), str):
            raise SpecError(f"{self.path}: does not say where {name!r} lies")
        if said.get("use_pickle") is not False or said.get("tensor_meta") is None:
            raise SecurityError(f"{self.path}: {name!r} is a pickle, which can run code when loaded")
        if not _PLAIN.fullmatch(said["path_name"]):
            raise SecurityError(f"{self.path}: {name!r} lies outside of the archive's folder of weights")
        return said

    def _stem(self) -> str:
        models = self._root + "models/"
        return self._only(lambda name: name.startswith(models) and name.endswith(".json"))[len(models) : -len(".json")]

    def _check_kind(self) -> None:
        kind = self._read(self._root + "archive_format"), self._read(self._root + "archive_version")
        if kind != (b"pt2", b"0"):
            raise SpecError(f"{self.path}: is an archive of another format or version than pt2 0")
        if self._root + "byteorder" in self._files and self._read(self._root + "byteorder") != b"little":
            raise SpecError(f"{self.path}: its weights are not in little endian")

    def _only(self, wanted: Any) -> str:
        found = [name for name in self._files if wanted(name)]
        if len(found) != 1:
            raise SpecError(f"{self.path}: is no archive of one program of torch.export")
        return found[0]

    def _json(self, name: str) -> Mapping[str, Any]:
        try:
            value = parse_json(self._read(name, JSON_LIMIT))
        except ValueError as error:
            raise SpecError(f"{self.path}: {name} is not JSON ({error})") from error
        if not isinstance(value, dict):
            raise SpecError(f"{self.path}: {name} holds no JSON object")
        return value

    def _read(self, name: str, most: int | None = None) -> bytes:
        info = self._files.get(name)
        if info is None:
            raise SpecError(f"{self.path}: has no {name}")
        if most is not None and info.file_size > most:
            raise SpecError(f"{self.path}: {name} has more than {most} bytes")
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(info)
        except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
            raise SpecError(f"{self.path}: {name} cannot be read ({error})") from error
