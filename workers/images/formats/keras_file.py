"""What is in a `.keras` file (a zip of config.json and model.weights.h5) and an `.h5` file of Keras. Imports no Keras.

Nothing of it is evaluated. HDF5 can point to other files and to arrays made of them; such pointers are refused.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.errors import SecurityError, SpecError
from workers.contract import Array
from workers.images.formats.keras_graph import Layer
from workers.images.prepare.libraries import h5py
from workers.models.files import JSON_LIMIT, parse_json

_SWELL = 8
"""Times the size of the file: more no honest weights unpack to."""
_ROOM = 1 << 20


def read_config(path: Path) -> dict[str, Any]:
    """The configuration of the model. Raises SpecError for another file, MissingExtraError for `.h5` without h5py."""
    if path.suffix == ".keras":
        text = _member(path, "config.json", JSON_LIMIT)
    else:
        with _opened(path, path) as file:
            given = file.attrs.get("model_config")
        if given is None:
            raise SpecError(f"{path}: has no model_config: weights alone. Save the model, not save_weights")
        text = given if isinstance(given, bytes) else str(given).encode()
    try:
        config = parse_json(text)
    except ValueError as error:
        raise SpecError(f"{path}: its configuration is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise SpecError(f"{path}: its configuration is not a JSON object")
    return config


class Weights:
    """The weights in an open file, by layer."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file = file
        self._path = path
        self._most = path.stat().st_size * _SWELL + _ROOM

    def of(self, layer: Layer, names: tuple[str, ...]) -> dict[str, Array]:
        """Arrays by name, in the order in which Keras stores them.

        Raises SpecError where there are more or fewer, SecurityError for what lies elsewhere.
        """
        stored = self._named(layer) if self._path.suffix != ".keras" else self._counted(layer)
        if len(stored) != len(names):
            told = f"has {len(stored)} weights, must have {len(names)} ({', '.join(names)})"
            raise SpecError(f"{self._path}: layer {layer.name!r} {told}")
        return {name: self._array(place) for name, place in zip(names, stored, strict=True)}

    def _counted(self, layer: Layer) -> list[str]:
        group = self._at(f"layers/{layer.place}/vars")
        return [f"layers/{layer.place}/vars/{i}" for i in range(len(group))]

    def _named(self, layer: Layer) -> list[str]:
        # A file of weights and configuration has them in a group, one of weights alone at the top.
        group = self._at(f"model_weights/{layer.name}")
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in group.attrs["weight_names"]]
        return [f"model_weights/{layer.name}/{name}" for name in names]

    def _at(self, place: str) -> Any:
        """What lies at a path, each part of it in this file."""
        found = self._file
        for part in place.split("/"):
            link = found.get(part, getlink=True)
            if not isinstance(link, h5py().HardLink):
                raise SecurityError(f"{self._path}: {place} points elsewhere: save the model again with its weights")
            found = found[part]
        return found

    def _array(self, place: str) -> Array:
        found = self._at(place)
        if getattr(found, "is_virtual", False) or getattr(found, "external", None):
            raise SecurityError(f"{self._path}: {place} lies in another file: save the model again with its weights")
        if found.dtype.kind not in "fiu" or found.nbytes > self._most:
            raise SpecError(f"{self._path}: {place} is no array of numbers that fits the file")
        values: Array = found[()]
        return values


@contextmanager
def open_weights(path: Path) -> Iterator[Weights]:
    """The weights, while it is open. Raises SpecError for what is not such a file."""
    most = path.stat().st_size * _SWELL + _ROOM
    source: Any = path if path.suffix != ".keras" else io.BytesIO(_member(path, "model.weights.h5", most))
    with _opened(source, path) as file:
        yield Weights(file, path)


@contextmanager
def _opened(source: Any, path: Path) -> Iterator[Any]:
    try:
        with h5py().File(source, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise SpecError(f"{path}: cannot be read as HDF5 of Keras ({error})") from error


def _member(path: Path, name: str, most: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            if info.file_size > most:
                raise SpecError(f"{path}: {name} would unpack to {info.file_size} bytes, too many for its size")
            return archive.read(info)
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SpecError(f"{path}: is not a .keras file that can be read ({error})") from error
