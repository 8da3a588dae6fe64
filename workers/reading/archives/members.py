"""A store whose objects may be members of archives: the one place where their bytes come from.

Whoever reads whole objects, or ranges of them, by key and version, reads members in the same way.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import IO, cast

from cluster.storage import ObjectMissing, ObjectTooLarge, Store
from cluster.storage.range_reader import RangeReader
from schemas.errors import RecordError
from schemas.status import Status
from workers.reading.archives.inflated_tars import InflatedTars
from workers.reading.archives.names import MemberName, archive_kind, split_member
from workers.reading.archives.places import DEFLATED, MemberVersion, Place, read_version
from workers.reading.archives.scanning import find_member
from workers.reading.archives.zip_member import InflatedMember, longest, skip_header, whole_member

_SLACK = 1 << 10
"""Bytes of a local header with its name and extra fields, for most: they then come with the member in one request."""
_AHEAD = 256 << 10


class MemberStore:
    """Reads objects of `store` and members of its archives. Safe for several threads.

    `max_inflated` bounds what becomes of a compressed member, and of a compressed tar as a whole.
    """

    def __init__(self, store: Store, max_inflated: int, tars: InflatedTars) -> None:
        self._store = store
        self._max_inflated = max_inflated
        self._tars = tars

    def get(self, key: str, *, max_bytes: int, if_etag: str | None) -> bytes:
        """The body. Raises as `Store.get`, and RecordError for a member that gives none."""
        found = self._find(key, if_etag)
        if found is None:
            return self._store.get(key, max_bytes=max_bytes, if_etag=if_etag)
        member, version = found
        place = version.place
        self._check_size(place, max_bytes)
        if place.kind != "zip":
            return self._bytes_of(member, version, place.offset)(0, place.size)
        fetch = self._bytes_of(member, version, place.offset)
        ahead = _SLACK + 2 * len(member.name) + place.stored
        file = RangeReader(fetch, longest(place), ahead=ahead)
        skip_header(cast(IO[bytes], file), member.name)
        return whole_member(cast(IO[bytes], file), place)

    def open_reader(self, key: str, *, if_etag: str | None) -> io.RawIOBase:
        """A seekable file of it. Raises as `Store.open_reader`, and RecordError, also as it is read."""
        found = self._find(key, if_etag)
        if found is None:
            return self._store.open_reader(key, if_etag=if_etag)
        member, version = found
        place = version.place
        self._check_size(place)
        fetch = self._bytes_of(member, version, place.offset)
        if place.kind != "zip":
            return RangeReader(fetch, place.size, ahead=_AHEAD)
        file = RangeReader(fetch, longest(place), ahead=_AHEAD)
        skip_header(cast(IO[bytes], file), member.name)
        if place.method == DEFLATED:
            return InflatedMember(cast(IO[bytes], file), place)
        begins = file.tell()
        return RangeReader(lambda start, length: fetch(begins + start, length), place.size, ahead=_AHEAD)

    def _find(self, key: str, etag: str | None) -> tuple[MemberName, MemberVersion] | None:
        """None for an object that is no member."""
        version = None if etag is None else read_version(etag)
        member = split_member(key)
        if member is None:
            return None
        if version is None:
            version = self._look_up(member, etag)
        return member, version

    def _look_up(self, member: MemberName, etag: str | None) -> MemberVersion:
        """Where nobody planned it, the archive is looked through."""
        kind = archive_kind(member.archive)
        assert kind is not None
        info = self._store.version(member.archive, etag)
        found = find_member(self._store, info, kind, self._max_inflated, member.name)
        version = None if found is None else read_version(found)
        if version is None:
            raise ObjectMissing
        return version

    def _check_size(self, place: Place, max_bytes: int | None = None) -> None:
        if max_bytes is not None and place.size > max_bytes:
            raise ObjectTooLarge(place.size, max_bytes)
        if place.method == DEFLATED and place.size > self._max_inflated:
            raise RecordError(Status.TOO_LARGE, f"it inflates to more than {self._max_inflated} bytes")

    def _bytes_of(self, member: MemberName, version: MemberVersion, base: int) -> Callable[[int, int], bytes]:
        """Ranges of the archive, from where the member begins."""
        if version.place.kind == "tgz":
            read = self._tars.opened(self._store, member.archive, version.archive, self._max_inflated)
        else:
            read = partial(_range, self._store, member.archive, version.archive)
        return lambda start, length: read(base + start, length)


def _range(store: Store, key: str, etag: str, start: int, length: int) -> bytes:
    return store.get(key, start, length, if_etag=etag)
