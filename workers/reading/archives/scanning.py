"""Look through one archive, once, and say what it holds."""

import io
from collections.abc import Iterator
from typing import IO, NamedTuple, cast

from cluster.storage import ErrorLatchingReader, ObjectForbidden, ObjectInfo, Store
from workers.reading.archives.forward import ForwardFile
from workers.reading.archives.found import ArchiveError, Counts, Found, Read
from workers.reading.archives.names import ArchiveKind, member_key
from workers.reading.archives.places import MemberFault, version_of
from workers.reading.archives.quarrels import quarrels
from workers.reading.archives.spool import MemberSpool
from workers.reading.archives.tar_headers import tar_members
from workers.reading.archives.zip_directory import zip_members
from workers.reading.gzip import Fault, InflatedFile, InflationError
from workers.reading.listing import unchanged

_BUFFER = 1 << 20
REPEATED = "members that another of the same name stands for"
EMPTY = "archives without a file"


class Listed(NamedTuple):
    """An object to be planned: its key, the bytes that it is, and its version."""

    key: str
    size: int
    etag: str


def archive_members(
    store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, counts: Counts
) -> Iterator[Listed]:
    """What an archive holds, in its order; behind that the archive itself, where it could not be read to its end.

    It is read once before the first comes: of a zip its directory, of a tar its headers, of a compressed tar all.
    Raises SpecError where it changes meanwhile, InfrastructureError.
    """
    with MemberSpool(info.etag) as spool:
        fault, size = _scanned(store, info, kind, max_inflated, spool, counts)
        found = quarrels(spool, kind, size)
        counts[REPEATED] += len(found.dropped)
        counts[EMPTY] += fault is None and not spool.hashes.size
        for place, (name, version, length) in enumerate(spool.rows()):
            if place not in found.dropped:
                wrong = found.faults.get(place)
                etag = version if wrong is None else version_of(info.etag, wrong)
                yield Listed(member_key(info.key, name), length, etag)
    if fault is not None:
        yield Listed(info.key, info.size, version_of(info.etag, fault))


def find_member(store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, name: str) -> str | None:
    """The version of the member of this name; None where there is none. Looks through the archive each time."""
    key = member_key(info.key, name)
    return next(
        (one.etag for one in archive_members(store, info, kind, max_inflated, Counts()) if one.key == key), None
    )


def _scanned(
    store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, spool: MemberSpool, counts: Counts
) -> tuple[MemberFault | None, int]:
    """Fill the spool; returns why there is no more than that, and the size of the archive, inflated if it is
    compressed as a whole."""
    passed: Counts = Counts()
    try:
        with unchanged(info.key), _opened(store, info) as file:
            watched = ErrorLatchingReader(file)
            try:
                fault, size = _filled(cast(IO[bytes], watched), kind, max_inflated, spool, passed, info.size)
            finally:
                watched.raise_failure()
    except _Forbidden:
        fault, size = MemberFault.FORBIDDEN, info.size
    spool.finish()
    counts.update(passed)
    return fault, size


class _Forbidden(Exception):
    """The store does not give the archive to these credentials."""


def _opened(store: Store, info: ObjectInfo) -> io.BufferedReader:
    try:
        return io.BufferedReader(store.open_reader(info.key, if_etag=info.etag), _BUFFER)
    except ObjectForbidden:
        raise _Forbidden from None


def _filled(
    file: IO[bytes], kind: ArchiveKind, max_inflated: int, spool: MemberSpool, passed: Counts, size: int
) -> tuple[MemberFault | None, int]:
    inflated = ForwardFile(InflatedFile(file, max_inflated)) if kind == "tgz" else None
    try:
        for found in _members(cast(Read, inflated or file), kind, passed):
            spool.add(found)
        fault = None
    except ArchiveError as error:
        fault = error.fault
        if not error.partial:
            spool.clear()
            passed.clear()
    except InflationError as error:
        # A gzip file that is damaged or cut off proves nothing of what came before.
        spool.clear()
        passed.clear()
        fault = MemberFault.INFLATES if error.fault is Fault.TOO_LARGE else MemberFault.GZIP
    return fault, size if inflated is None else inflated.at


def _members(file: Read, kind: ArchiveKind, passed: Counts) -> Iterator[Found]:
    return zip_members(file, passed) if kind == "zip" else tar_members(file, kind, passed)
