"""The files that belong together: which there are, which versions they are, and their text."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from cluster.storage import ObjectChanged, ObjectMissing, ObjectTooLarge, StorageSettings, Store, open_store, split
from cluster.storage.uri import join
from schemas.canonical import digest
from schemas.errors import SpecError, UsageError

_TEXT_BYTES = 16 << 30
_PIECE = 4 << 20


@dataclass(frozen=True)
class FileVersion:
    """One file as it was planned."""

    name: str
    size: int
    etag: str


def versions_digest(files: Sequence[FileVersion]) -> str:
    """Says whether these are the same versions, and tells none of their names."""
    return digest([[file.name, file.size, file.etag] for file in files])


class Fileset:
    """Files of one name and several endings in one folder.

    `parts` names each file's role and the endings that may fill it, the preferred first; roles that are `optional` may
    be empty. Raises SpecError if a file is not there, ObjectChanged if one is not as `planned` has it.
    """

    def __init__(
        self,
        uri: str,
        parts: Mapping[str, Sequence[str]],
        storage: StorageSettings | None = None,
        planned: Sequence[FileVersion] = (),
        optional: Sequence[str] = (),
    ) -> None:
        folder, name = split(uri)
        self.store: Store = open_store(folder, storage)
        main = next(iter(parts))
        endings = [ending for ending in parts[main] if name.endswith(ending)]
        stem = name.removesuffix(endings[0]) if endings else name
        found = {role: self._found(stem, ends) for role, ends in parts.items()}
        self._parts = {role: file for role, file in found.items() if file is not None}
        for role, ends in parts.items():
            if role not in self._parts and role not in optional:
                raise self._missing(stem, ends)
        if planned and list(planned) != self.versions():
            raise ObjectChanged

    def _found(self, stem: str, endings: Sequence[str]) -> FileVersion | None:
        for ending in endings:
            head = self.store.head(stem + ending)
            if head is not None:
                return FileVersion(stem + ending, head.size, head.etag)
        return None

    def _missing(self, stem: str, endings: Sequence[str]) -> SpecError:
        wanted = " or ".join(repr(stem + ending) for ending in endings)
        return SpecError(
            f"{self.store.uri} has no {wanted}: name the genotype file, and put what belongs to it beside it"
        )

    def has(self, role: str) -> bool:
        """Whether there is a file that fills a role."""
        return role in self._parts

    def versions(self) -> list[FileVersion]:
        """Every file, in the order of the parts."""
        return list(self._parts.values())

    def file(self, role: str) -> FileVersion:
        """The file that fills a role."""
        return self._parts[role]

    def uri(self, role: str) -> str:
        """Where it lies."""
        return join(self.store.uri, self._parts[role].name)

    def get(self, role: str, start: int, length: int) -> bytes:
        """Bytes of the planned version. Raises ObjectMissing, ObjectChanged."""
        file = self._parts[role]
        return self.store.get(file.name, start, length, if_etag=file.etag)

    def text(self, role: str) -> bytes:
        """The whole of a text file, inflated if its name ends with .zst. Raises SpecError for a damaged or huge one."""
        file = self._parts[role]
        try:
            body = self.store.get(file.name, max_bytes=_TEXT_BYTES, if_etag=file.etag)
        except ObjectTooLarge:
            raise _too_large(file.name) from None
        except ObjectMissing:
            raise UsageError(f"{file.name!r} was removed while it was read: restore it") from None
        return _inflate(body, file.name) if file.name.endswith(".zst") else body


def _inflate(body: bytes, name: str) -> bytes:
    whole = io.BytesIO()
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            while piece := stream.read(_PIECE):
                whole.write(piece)
                if whole.tell() > _TEXT_BYTES:
                    raise _too_large(name)
    except OSError:
        raise SpecError(f"{name!r} is not a whole Zstandard file: write it anew") from None
    return whole.getvalue()


def _too_large(name: str) -> SpecError:
    return SpecError(f"{name!r} has more than 16 GiB of text: split the data set by chromosome")
