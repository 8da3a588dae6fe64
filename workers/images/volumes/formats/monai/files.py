"""The files of a bundle: a folder, or one zip of it in a model directory."""

import shutil
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.errors import SpecError
from schemas.yaml_text import load_yaml
from workers.models.files import JSON_LIMIT, confined, parse_json

METADATA = "configs/metadata.json"
INFERENCE = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
_WEIGHTS_LIMIT = 16 << 30
_FREE = 64 << 20
_MOST_PACKED = 100
"""How many times more bytes may come out of a zip than are in it, beyond what hurts nobody."""


class BundleFiles(ABC):
    """Names are relative to the root of the bundle."""

    where: str

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether there is such a file. Raises SecurityError for a name that leads out of the bundle."""

    @abstractmethod
    def text(self, name: str) -> bytes:
        """A small file. Raises SpecError."""

    @abstractmethod
    def local(self, name: str) -> Any:
        """A context in which the file is a path on this machine. Raises SpecError."""

    def config(self, name: str) -> Mapping[str, Any]:
        """What a file of JSON or YAML holds. Raises SpecError."""
        where = f"{self.where}/{name}"
        body = self.text(name)
        try:
            found = parse_json(body) if name.endswith(".json") else load_yaml(body.decode("utf-8"), where)
        except ValueError as error:
            raise SpecError(f"{where}: cannot be read ({error})") from error
        if not isinstance(found, Mapping):
            raise SpecError(f"{where}: must hold a mapping of keys")
        return {str(key): value for key, value in found.items()}


@dataclass
class Folder(BundleFiles):
    """A bundle as a folder."""

    root: Path

    @property
    def where(self) -> str:  # type: ignore[override]  # a folder's name is its path
        return str(self.root)

    def has(self, name: str) -> bool:
        return confined(self.root, name).is_file()

    def text(self, name: str) -> bytes:
        path = confined(self.root, name)
        try:
            if path.stat().st_size > JSON_LIMIT:
                raise SpecError(f"{path}: larger than {JSON_LIMIT} bytes, which no configuration is")
            return path.read_bytes()
        except OSError as error:
            raise SpecError(f"{path}: cannot be read ({error.strerror})") from error

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        yield confined(self.root, name)


@dataclass
class Zipped(BundleFiles):
    """A bundle as a zip, with its files at the top or in one folder."""

    path: Path

    @property
    def where(self) -> str:  # type: ignore[override]  # a zip's name is its path
        return str(self.path)

    @cached_property
    def members(self) -> Mapping[str, zipfile.ZipInfo]:
        """By their names in the bundle. Raises SpecError for what is no zip."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = [one for one in archive.infolist() if not one.is_dir()]
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise SpecError(f"{self.path}: is not a zip that can be read ({error})") from error
        tops = [one.filename.removesuffix(METADATA) for one in infos if one.filename.endswith(METADATA)]
        top = min(tops, key=len, default="")
        return {one.filename.removeprefix(top): one for one in infos if one.filename.startswith(top)}

    def has(self, name: str) -> bool:
        return name in self.members

    def text(self, name: str) -> bytes:
        info = self._info(name, JSON_LIMIT)
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(info) as file:
                return file.read(JSON_LIMIT + 1)[:JSON_LIMIT]
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise SpecError(f"{self.path}: {name} cannot be read ({error})") from error

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        info = self._info(name, _WEIGHTS_LIMIT)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / PurePosixPath(name).name
            try:
                with zipfile.ZipFile(self.path) as archive, archive.open(info) as file, path.open("wb") as sink:
                    shutil.copyfileobj(file, sink, 1 << 20)
            except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                raise SpecError(f"{self.path}: {name} cannot be read ({error})") from error
            yield path

    def _info(self, name: str, most: int) -> zipfile.ZipInfo:
        info = self.members.get(name)
        if info is None:
            raise SpecError(f"{self.path}: holds no {name}")
        if info.file_size > most:
            raise SpecError(f"{self.path}: {name} would have {info.file_size} bytes, more than {most}")
        if info.file_size > _FREE and info.file_size > _MOST_PACKED * info.compress_size:
            raise SpecError(
                f"{self.path}: {name} would have {info.file_size} bytes out of {info.compress_size}, and no weights "
                "can be packed like that: unpack the zip yourself if it is to be trusted"
            )
        return info


def bundle_in(directory: Path) -> BundleFiles | None:
    """The bundle that a directory is, or that its one zip holds; None where there is neither."""
    found: list[BundleFiles] = [Folder(directory)]
    zips = sorted(directory.glob("*.zip"))
    if len(zips) == 1 and zipfile.is_zipfile(zips[0]):
        found.append(Zipped(zips[0]))
    return next((one for one in found if one.has(METADATA) and inference_of(one)), None)


def inference_of(files: BundleFiles) -> str | None:
    """The name of the config of inference."""
    return next((name for name in INFERENCE if files.has(name)), None)
