"""Archives made for a test by the standard library, and what is wrong with some of them, byte by byte."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from cluster.storage import ObjectChanged, ObjectMissing, ObjectTooLarge, Store
from schemas.errors import RecordError
from workers.reading.archives.found import Counts
from workers.reading.archives.inflated_tars import InflatedTars
from workers.reading.archives.listing import with_members
from workers.reading.archives.members import MemberStore
from workers.reading.archives.scanning import Listed

MOST = 1 << 20
"""Bytes of a member, and bytes that an archive inflates to, in `Opened`."""


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body, method)
    return sink.getvalue()


def streamed_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip written to a pipe: sizes are in data descriptors behind the members."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    sink = Pipe()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body)
    return sink.getvalue()


def zip64(name: str, body: bytes) -> bytes:
    """A zip of one file with every number in a zip64 field, as of an archive beyond 4 GiB."""
    crc = zlib_crc(body)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0x800, 0, 0, 33, crc, _MAX, _MAX, len(name), 20)
    local += name.encode() + struct.pack("<2H2Q", 1, 16, len(body), len(body)) + body
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 45, 45, 0x800, 0, 0, 33, crc, _MAX, _MAX, len(name), 28, 0, 0, 0, 0, _MAX
    )
    entry += name.encode() + struct.pack("<2H3Q", 1, 24, len(body), len(body), 0)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(entry), len(local))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(local) + len(entry), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _MAX, _MAX, 0)
    return local + entry + end64 + locator + end


_MAX = 0xFFFFFFFF


def zlib_crc(body: bytes) -> int:
    """CRC-32 as zip has it."""
    return zlib.crc32(body)


def patched(archive: bytes, field: str, value: int, *, local: bool = False) -> bytes:
    """The zip with a field of its first entry changed, in the central directory or in the local header."""
    at = archive.index(b"PK\3\4" if local else b"PK\1\2")
    offset, kind = (_LOCAL if local else _ENTRY)[field]
    return archive[: at + offset] + struct.pack(kind, value) + archive[at + offset + struct.calcsize(kind) :]


_ENTRY = {
    "flags": (8, "<H"),
    "method": (10, "<H"),
    "crc": (16, "<L"),
    "stored": (20, "<L"),
    "size": (24, "<L"),
    "offset": (42, "<L"),
}
_LOCAL = {"method": (8, "<H"), "name": (26, "<H")}


def tarred(
    files: Mapping[str, bytes | tarfile.TarInfo], compression: str = "", form: int = tarfile.PAX_FORMAT
) -> bytes:
    """A tar of these files, or of headers that are given; `compression` is "" or "gz"."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=f"w:{compression}", format=form) as archive:
        for name, body in files.items():
            info = body if isinstance(body, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(body, bytes):
                info.size = len(body)
            archive.addfile(info, io.BytesIO(body) if isinstance(body, bytes) else None)
    return sink.getvalue()


def header(name: str, kind: bytes, to: str = "") -> tarfile.TarInfo:
    """A header of a tar without content: a link, a folder, a pipe."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@dataclass
class Opened:
    """A store with archives in it, listed, and read as workers read it."""

    store: Store
    listed: list[Listed]
    passed: dict[str, int]
    members: MemberStore

    def body(self, key: str) -> bytes | str:
        """All of an object, or its status and why there is none."""
        return self._read(key, whole=True)

    def ranged(self, key: str) -> bytes | str:
        """The same by a file."""
        return self._read(key, whole=False)

    def _read(self, key: str, *, whole: bool) -> bytes | str:
        (etag,) = (one.etag for one in self.listed if one.key == key)
        try:
            if whole:
                return self.members.get(key, max_bytes=MOST, if_etag=etag)
            with self.members.open_reader(key, if_etag=etag) as file:
                return file.read()
        except RecordError as error:
            return f"{error.status}: {error.detail}"
        except (ObjectChanged, ObjectMissing, ObjectTooLarge) as error:
            return type(error).__name__

    @property
    def keys(self) -> list[str]:
        """Keys of all that is listed, in order."""
        return [one.key for one in self.listed]


def opened(store: Store, glob: str | None = None) -> Opened:
    """The store as it is now."""
    counts = Counts()
    listed = list(with_members(store, store.list(), glob, MOST, counts))
    return Opened(store, listed, dict(+counts), MemberStore(store, MOST, InflatedTars()))
