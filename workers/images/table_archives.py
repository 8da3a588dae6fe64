"""Rows of a table that name archives, or members of them: found once, as the table is planned."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cluster.storage import ObjectChanged, ObjectInfo, ObjectMissing, StorageSettings, Store, is_inside, open_store
from workers.reading.archives.found import Counts
from workers.reading.archives.names import SEPARATOR, archive_kind, member_key, split_member
from workers.reading.archives.places import MemberFault, version_of
from workers.reading.archives.scanning import Listed, archive_members

_ROWS = 10_000


class _Planned(NamedTuple):
    """A record that comes of row `row` of a batch."""

    row: int
    record_id: str | None
    uri: str
    size: int | None
    etag: str | None


class _Archive(NamedTuple):
    store: Store
    info: ObjectInfo


def parted(uris: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The files that uris lead to, and names of members in there, null for whole files."""
    if not pc.any(pc.match_substring(uris, SEPARATOR)).as_py():
        return uris, pa.nulls(len(uris), pa.string())
    parts = [None if uri is None else split_member(uri) or (uri, None) for uri in uris.to_pylist()]
    files, names = zip(*[part or (None, None) for part in parts], strict=True)
    return pa.array(files, pa.string()), pa.array(names, pa.string())


def joined(files: pa.Array, names: pa.Array) -> pa.Array:
    """Uris of the parts of `parted`."""
    return pc.if_else(pc.is_null(names), files, pc.binary_join_element_wise(files, pc.fill_null(names, ""), SEPARATOR))


class TableArchives:
    """Archives under these roots. What of them is no record is counted in `counts`."""

    def __init__(self, roots: Sequence[str], storage: StorageSettings, max_inflated: int, counts: Counts) -> None:
        self._stores = [open_store(root, storage) for root in roots]
        self._max_inflated = max_inflated
        self._counts = counts

    def expanded(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The planned rows: one that names a member has its version, one that names an archive is all of its members,
        `<record_id>!/<name>`. An archive that is not there, or another one by now, stays as it is and is told so when
        it is read."""
        uris: list[str] = batch.column("uri").to_pylist()
        members = {row: name for row, uri in enumerate(uris) if (name := split_member(uri)) is not None}
        if not members and all(archive_kind(uri) is None for uri in uris):
            yield batch
            return
        versions = self._versions(batch, members)
        records = self._records(batch, versions)
        while part := list(islice(records, _ROWS)):
            yield _taken(batch, part)

    def _versions(self, batch: pa.RecordBatch, members: Mapping[int, tuple[str, str]]) -> dict[int, Listed]:
        """Each archive is looked through once for all rows of the batch that name members of it."""
        wanted: defaultdict[tuple[str, str | None], dict[str, list[int]]] = defaultdict(dict)
        etags = batch.column("etag").to_pylist()
        for row, (uri, name) in members.items():
            wanted[uri, etags[row]].setdefault(name, []).append(row)
        found: dict[int, Listed] = {}
        for (uri, etag), rows in wanted.items():
            archive = self._archive(uri, etag)
            if archive is not None:
                found.update(self._looked_up(archive, rows))
        return found

    def _looked_up(self, archive: _Archive, rows: Mapping[str, list[int]]) -> dict[int, Listed]:
        info = archive.info
        keys = {member_key(info.key, name): places for name, places in rows.items()}
        absent = version_of(info.etag, MemberFault.ABSENT)
        found: dict[str, Listed] = {}
        # Counts of what the table does not name are no news.
        for one in self._members(archive, Counts()):
            if one.key in keys:
                found[one.key] = one
            elif one.key == info.key:
                absent = one.etag
        lacking = Listed("", 0, absent)
        return {place: found.get(key, lacking) for key, places in keys.items() for place in places}

    def _records(self, batch: pa.RecordBatch, versions: Mapping[int, Listed]) -> Iterator[_Planned]:
        columns = [batch.column(name).to_pylist() for name in ("record_id", "uri", "size", "etag")]
        for row, (record_id, uri, size, etag) in enumerate(zip(*columns, strict=True)):
            archive = self._archive(uri, etag) if archive_kind(uri) is not None and split_member(uri) is None else None
            if row in versions:
                yield _Planned(row, record_id, uri, versions[row].size, versions[row].etag)
            elif archive is None:
                yield _Planned(row, record_id, uri, size, etag)
            else:
                for one in self._members(archive, self._counts):
                    behind = one.key.removeprefix(archive.info.key)
                    named = None if record_id is None else f"{record_id}{behind}"
                    yield _Planned(row, named, f"{uri}{behind}", one.size, one.etag)

    def _members(self, archive: _Archive, counts: Counts) -> Iterator[Listed]:
        kind = archive_kind(archive.info.key)
        assert kind is not None
        return archive_members(archive.store, archive.info, kind, self._max_inflated, counts)

    def _archive(self, uri: str, etag: str | None) -> _Archive | None:
        """None where it is not there, is another one, or lies outside the roots."""
        for store in self._stores:
            root = store.uri.rstrip("/")
            if uri.startswith(root + "/") and is_inside(uri, [root]):
                try:
                    return _Archive(store, store.version(uri[len(root) + 1 :], etag))
                except (ObjectMissing, ObjectChanged):
                    return None
        return None


def _taken(batch: pa.RecordBatch, records: Sequence[_Planned]) -> pa.RecordBatch:
    """The rows that these come of, with what they have of their own."""
    taken = batch.take(pa.array([one.row for one in records], pa.int64()))
    own: dict[str, Any] = {name: [getattr(one, name) for one in records] for name in _Planned._fields[1:]}
    columns = [
        pa.array(own[field.name], field.type) if field.name in own else taken.column(field.name)
        for field in batch.schema
    ]
    return pa.record_batch(columns, schema=batch.schema)
