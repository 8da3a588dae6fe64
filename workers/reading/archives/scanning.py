"""Look through one archive, once, and say what it holds."""

import io
from collections.abc import Iterator
from contextlib import closing
from typing import IO, NamedTuple, cast

from cluster.storage import ErrorLatchingReader, ObjectForbidden, ObjectInfo, Store
from workers.reading.archives.forward import ForwardFile
from workers.reading.archives.found import ArchiveError, Counts, Found, Read
from workers.reading.archives.names import ArchiveKind, member_key
from workers.reading.archives.places import MemberFault, version_of
from workers.reading.archives.quarrels import Quarrels, quarrels
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


class Scanned:
    """What an archive holds, as it was found. Close it."""

    def __init__(
        self, info: ObjectInfo, spool: MemberSpool, fault: MemberFault | None, found: Quarrels, passed: Counts
    ) -> None:
        self.passed = passed
        self._info, self._spool, self._fault, self._found = info, spool, fault, found

    def members(self) -> Iterator[Listed]:
        """Its members in their order; behind them the archive itself, where it could not be read to its end."""
        info, found = self._info, self._found
        for place, (name, version, length) in enumerate(self._spool.rows()):
            if place not in found.dropped:
                wrong = found.faults.get(place)
                etag = version if wrong is None else version_of(info.etag, wrong)
                yield Listed(member_key(info.key, name), length if wrong is None else 0, etag)
        if self._fault is not None:
            yield Listed(info.key, info.size, version_of(info.etag, self._fault))

    def close(self) -> None:
        """Let go of what was found."""
        self._spool.close()


def scan(store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int) -> Scanned:
    """Look through an archive: of a zip its directory, of a tar its headers, of a compressed tar all of it.

    Raises SpecError where it changes meanwhile, InfrastructureError.
    """
    spool, passed = MemberSpool(info.etag), Counts()
    try:
        fault, size = _scanned(store, info, kind, max_inflated, spool, passed)
        found = quarrels(spool, kind, size)
    except BaseException:
        spool.close()
        raise
    passed[REPEATED] += len(found.dropped)
    passed[EMPTY] += fault is None and not spool.hashes.size
    return Scanned(info, spool, fault, found, passed)


def archive_members(
    store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, counts: Counts
) -> Iterator[Listed]:
    """`Scanned.members` of one archive; what is no record goes to `counts`. Raises as `scan`."""
    with closing(scan(store, info, kind, max_inflated)) as found:
        counts.update(found.passed)
        yield from found.members()


def find_member(store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, name: str) -> str | None:
    """The version of the member of this name; None where there is none. Looks through the archive each time."""
    key = member_key(info.key, name)
    with closing(scan(store, info, kind, max_inflated)) as found:
        return next((one.etag for one in found.members() if one.key == key), None)


def _scanned(
    store: Store, info: ObjectInfo, kind: ArchiveKind, max_inflated: int, spool: MemberSpool, passed: Counts
) -> tuple[MemberFault | None, int]:
    """Fill the spool; returns why there is no more than that, and the size of the archive, inflated if it is
    compressed as a whole."""
    with unchanged(info.key):
        try:
            with io.BufferedReader(store.open_reader(info.key, if_etag=info.etag), _BUFFER) as file:
                watched = ErrorLatchingReader(file)
                try:
                    fault, size = _filled(cast(IO[bytes], watched), kind, max_inflated, spool, passed, info.size)
                finally:
                    watched.raise_failure()
        except ObjectForbidden:
            # Also where it is seen and cannot be read, as under a key of KMS.
            spool.clear()
            fault, size = MemberFault.FORBIDDEN, info.size
    spool.finish()
    return fault, size


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
