"""What lies at the uri of an input: one file, or the files of a prefix whose names count."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import chain

from cluster.storage import (
    ObjectChanged,
    ObjectInfo,
    ObjectMissing,
    StorageSettings,
    Store,
    open_store,
    parse,
    split,
)
from schemas.errors import SpecError


def locate(uri: str, storage: StorageSettings) -> tuple[Store, str | None]:
    """The store of a prefix, with None; or that of the folder of a file that is there, with its name."""
    if parse(uri).path.strip("/") and not uri.endswith("/"):
        folder, name = split(uri)
        store = open_store(folder, storage)
        if _is_file(store, name):
            return store, name
    return open_store(uri, storage), None


def _is_file(store: Store, name: str) -> bool:
    # A name with an ending is hardly that of a folder: one answer that it is not there is not believed.
    if "." not in name:
        return store.head(name) is not None
    try:
        store.version(name, None)
    except ObjectMissing:
        return False
    return True


def listed(store: Store, glob: str | None = None, endings: tuple[str, ...] = ()) -> Iterator[ObjectInfo]:
    """The files of a prefix by key, any case of `endings`; empty objects that stand for a folder are none.

    Raises SpecError, which names it, for a file whose name is not UTF-8: no id can hold it.
    """
    found = store.list()
    first = next(found, None)
    # A list without a key is hardly what somebody meant to have read: asked again, in case it was no list.
    for info in store.list() if first is None else chain([first], found):
        is_marker = info.key.endswith("/") and not info.size
        if is_marker or (glob is not None and not fnmatchcase(info.key, glob)):
            continue
        if not endings or info.key.lower().endswith(endings):
            _refuse_unnameable(info.key)
            yield info


def nothing_fits(store: Store, needs: str) -> SpecError:
    """Why an input without one file that counts is refused: nothing lies there at all, or what does `needs` something.

    A wrong path is told as one: what names of files have to end with is no help to somebody whose file has such a name.
    """
    if next(store.list(), None) is None:
        return SpecError("nothing lies at input.uri: correct it")
    return SpecError(f"input.uri has {needs}")


def _refuse_unnameable(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        name = os.fsencode(key)
        raise SpecError(f"a file name under input.uri is not UTF-8, so no id can hold it: rename {name!r}") from None


def named_file(store: Store, name: str) -> ObjectInfo:
    """The one file that a uri names. Raises SpecError where it is gone."""
    try:
        return store.version(name, None)
    except ObjectMissing:
        raise SpecError("input.uri names a file that is not there: correct the uri") from None


def planned_file(store: Store, key: str, etag: str | None) -> ObjectInfo:
    """A file of the plan as it lies there; without `etag` any version. Raises ObjectMissing, ObjectChanged."""
    return store.version(key, etag)


@contextmanager
def unchanged(name: str) -> Iterator[None]:
    """A file that is read to be planned has to stay: SpecError, which names it, for ObjectMissing and ObjectChanged."""
    try:
        yield
    except (ObjectMissing, ObjectChanged):
        raise SpecError(f"{name!r} of input.uri vanished or changed while it was planned: run again") from None
