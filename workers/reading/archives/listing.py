"""Objects of a prefix, the members of archives among them in their place."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from cluster.storage import ObjectInfo, Store
from schemas.errors import SpecError
from workers.reading.archives.found import Counts
from workers.reading.archives.names import archive_kind, split_member
from workers.reading.archives.scanning import Listed, archive_members


def with_members(
    store: Store, objects: Iterable[ObjectInfo], glob: str | None, max_inflated: int, counts: Counts
) -> Iterator[Listed]:
    """The objects, and instead of each archive what it holds, in its order.

    `glob` picks objects and members by key; of an archive whose own key it picks all are. What of an archive is no
    record is counted in `counts`. An archive that cannot be read as a whole is listed itself, with a version that says
    why.
    Raises SpecError where an archive changes meanwhile, or where a key reads like that of a member.
    """
    for info in objects:
        if split_member(info.key) is not None:
            raise SpecError(
                "a key under input.uri has an archive's ending and '!/' in it, which is how members of archives are "
                "named: rename that folder"
            )
        kind = archive_kind(info.key)
        picked = glob is None or fnmatchcase(info.key, glob)
        if kind is not None:
            members = archive_members(store, info, kind, max_inflated, counts)
            # What an archive holds that cannot be read is not known: it is always listed.
            yield from (one for one in members if picked or one.key == info.key or fnmatchcase(one.key, glob or "*"))
        elif picked:
            yield Listed(info.key, info.size, info.etag)
