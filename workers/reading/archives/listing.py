"""Objects of a prefix, the members of archives among them in their place."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fnmatch import fnmatchcase

from cluster.storage import ObjectInfo, Store
from schemas.errors import SpecError
from workers.reading.archives.found import Counts
from workers.reading.archives.names import archive_kind, split_member
from workers.reading.archives.scanning import Listed, Scanned, scan

_AT_ONCE = 8
"""Archives that are looked through at a time: of a zip on S3 that is three short requests."""
_WAITING = 1000
"""Objects that wait behind an archive."""


def with_members(
    store: Store, objects: Iterable[ObjectInfo], glob: str | None, max_inflated: int, counts: Counts
) -> Iterator[Listed]:
    """The objects, and instead of each archive what it holds, in its order.

    `glob` picks objects and members by key; of an archive whose own key it picks all are. What of an archive is no
    record is counted in `counts`. An archive that cannot be read as a whole is listed itself, with a version that says
    why. Raises SpecError where an archive changes meanwhile, or where a key reads like that of a member.
    """
    with closing(_looked_through(store, objects, max_inflated)) as found:
        for info, archive in found:
            picked = glob is None or fnmatchcase(info.key, glob)
            if archive is None and picked:
                yield Listed(info.key, info.size, info.etag)
            elif archive is not None:
                with closing(archive):
                    counts.update(archive.passed)
                    for one in archive.members():
                        # What an archive holds that cannot be read is not known: it is always listed.
                        if picked or one.key == info.key or fnmatchcase(one.key, glob or "*"):
                            yield one


def _looked_through(
    store: Store, objects: Iterable[ObjectInfo], max_inflated: int
) -> Generator[tuple[ObjectInfo, Scanned | None], None, None]:
    """The objects in their order, archives with what they hold: the next ones are looked through meanwhile."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="archives")
    waiting: deque[tuple[ObjectInfo, Future[Scanned] | None]] = deque()
    archives = 0
    try:
        for info in objects:
            _refuse_member_name(info.key)
            kind = archive_kind(info.key)
            waiting.append((info, None if kind is None else pool.submit(scan, store, info, kind, max_inflated)))
            archives += kind is not None
            while waiting and (waiting[0][1] is None or archives > _AT_ONCE or len(waiting) > _WAITING):
                archives -= waiting[0][1] is not None
                yield _finished(waiting)
        while waiting:
            yield _finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(waiting: deque[tuple[ObjectInfo, Future[Scanned] | None]]) -> tuple[ObjectInfo, Scanned | None]:
    info, future = waiting.popleft()
    return info, None if future is None else future.result()


def _refuse_member_name(key: str) -> None:
    if split_member(key) is not None:
        raise SpecError(
            "a key under input.uri has an archive's ending and '!/' in it, which is how members of archives are "
            "named: rename that folder"
        )
