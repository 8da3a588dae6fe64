"""A node's cache of model directories, by digest: fetched once, whole or not at all, shared by all its workers."""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cluster.storage.base import open_store
from cluster.storage.digest import digest_files, digest_of, file_names
from cluster.storage.errors import AccessRefusedError, ObjectChanged, ObjectMissing
from cluster.storage.hashed import HashedFiles
from cluster.storage.local_errors import disk
from cluster.storage.objects import ObjectInfo, Store
from cluster.storage.retry import again
from cluster.storage.settings import StorageSettings
from cluster.storage.uri import parse, split
from schemas.errors import InfrastructureError, RefusedError, SecurityError, UsageError

_AT_ONCE = 8


class Fetched(NamedTuple):
    """A model directory on this node. `files` are the sha256 of its files by relative path."""

    path: Path
    digest: str
    files: Mapping[str, str]


def fetch_directory(
    uri: str,
    settings: StorageSettings | None = None,
    cache_root: Path | None = None,
    *,
    expected_sha256: str | None = None,
    remembered: bool = False,
) -> Fetched:
    """The directory at `uri` as local files, with its digest (see `digest_of`), computed anew from what lies there.

    `remembered`: files that this node has hashed already, and that were not changed since by all that their file system
    says (inode, size, times), are not read again.

    One on the disk of the cache is used where it is. One on S3 or on another mount is copied into `cache_root`
    (`$WARDROUND_CACHE`, else `~/.cache/wardround/models`) unless its listing is known there and its files are whole:
    libraries that are given a path map files into memory, and a mount that fails then kills the process (SIGBUS) or
    looks like damage.

    Raises UsageError if there are no files, RefusedError if the digest is not `expected_sha256`, SecurityError if a
    key would be written outside of the directory, InfrastructureError where storage or the cache's disk fails.
    """
    store = open_store(uri, settings)
    root = cache_root or _default_root()
    local = parse(uri).scheme == "file" and again(lambda: _on_one_disk(store.uri, root), store.backoff)
    fetch = _in_place if local else _cached
    fetched = fetch(store, settings, root, remembered)
    if expected_sha256 is not None and fetched.digest != expected_sha256:
        raise RefusedError(
            f"model {store.uri} has sha256 {fetched.digest}, and {expected_sha256} was asked for: "
            "restore the files or correct sha256 in the spec"
        )
    return fetched


def _default_root() -> Path:
    named = os.environ.get("WARDROUND_CACHE")
    try:
        return Path(named) if named else Path.home() / ".cache" / "wardround" / "models"
    except RuntimeError:
        raise InfrastructureError("this user has no home directory for the model cache: set WARDROUND_CACHE") from None


def _on_one_disk(folder: str, root: Path) -> bool:
    with disk(folder):
        there = next(path for path in (root, *root.absolute().parents) if path.exists())
        return os.stat(folder).st_dev == there.stat().st_dev if os.path.lexists(folder) else True


def _in_place(store: Store, settings: StorageSettings | None, root: Path, remembered: bool) -> Fetched:
    keys = [info.key for info in _listing(store, settings)]
    folder = Path(store.uri)
    files = HashedFiles(root).sha256(folder, keys, lambda: {key: _sha256(store, key) for key in keys}, remembered)
    return Fetched(folder, digest_of(files), files)


def _cached(store: Store, settings: StorageSettings | None, root: Path, remembered: bool) -> Fetched:
    return _Cache(root, store, settings, remembered).fetch()


def _sha256(store: Store, key: str) -> str:
    try:
        return store.sha256(key)
    except ObjectMissing:
        raise UsageError(
            f"model directory {store.uri}: {key!r} is a link that leads nowhere, or was removed this moment: "
            "restore it or remove the link"
        ) from None


def _listing(store: Store, settings: StorageSettings | None) -> Sequence[ObjectInfo]:
    listed = list(store.list())
    if not listed and _is_object(store.uri, settings):
        raise UsageError(f"model {store.uri} is a file: name its folder, a directory with the model alone")
    if not listed:
        raise UsageError(
            f"model directory {store.uri} is empty or does not exist: correct its uri (a model of a hub has to be "
            "downloaded first)"
        )
    return listed


def _is_object(uri: str, settings: StorageSettings | None) -> bool:
    try:
        folder, name = split(uri)
    except UsageError:
        return False
    return open_store(folder, settings).head(name) is not None


class _Cache:
    """One directory of a store, seen from the cache."""

    def __init__(self, root: Path, store: Store, settings: StorageSettings | None, remembered: bool) -> None:
        self._root = root
        self._remembered = remembered
        self._store = store
        self._listing = _listing(store, settings)
        _refuse_escapes(store, [info.key for info in self._listing])
        self._name = _fingerprint(store, self._listing)

    def fetch(self) -> Fetched:
        """From the cache, or from the store."""
        try:
            known = self._known()
            if known is not None:
                return known
            with self._locked():
                return self._known() or self._download()
        except OSError as error:
            kind = AccessRefusedError if isinstance(error, PermissionError) else InfrastructureError
            raise kind(
                f"model cache {str(self._root)!r}: {error.strerror}: free space there or set WARDROUND_CACHE"
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process a listing; the system releases the lock of one that dies."""
        folder = self._root / "index"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self._name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _known(self) -> Fetched | None:
        """What the index names for this listing, if it is whole. Needs no lock: the workers of a node check at once."""
        try:
            digest = (self._root / "index" / self._name).read_text()
            folder = self._root / digest
            hashed = HashedFiles(self._root)
            files = hashed.sha256(folder, file_names(folder), lambda: digest_files(folder), self._remembered)
        except FileNotFoundError:  # not there yet, or discarded by another process as it was damaged
            return None
        return Fetched(self._root / digest, digest, files) if digest_of(files) == digest else None

    def _discard(self, path: Path) -> None:
        """Move a damaged directory away first, so that no other process sees it half removed."""
        aside = self._root / f".partial-{self._name}-{uuid.uuid4().hex}"
        path.rename(aside)
        shutil.rmtree(aside)

    def _download(self) -> Fetched:
        for left in self._root.glob(f".partial-{self._name}-*"):
            shutil.rmtree(left)
        partial = self._root / f".partial-{self._name}-{uuid.uuid4().hex}"
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda info: self._file(info, partial), self._listing))
            files = digest_files(partial)
            digest = digest_of(files)
            path = self._publish(partial, digest)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        index = self._root / "index" / self._name
        scratch = index.with_suffix(f".{uuid.uuid4().hex}")
        scratch.write_text(digest)
        scratch.replace(index)
        return Fetched(path, digest, files)

    def _file(self, info: ObjectInfo, partial: Path) -> None:
        path = partial / info.key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._store.download(info.key, path, if_etag=info.etag)
        except (ObjectChanged, ObjectMissing):
            raise InfrastructureError(
                f"model directory {self._store.uri} changed while it was read: wait for its upload, then run again"
            ) from None

    def _publish(self, partial: Path, digest: str) -> Path:
        path = self._root / digest
        try:
            partial.rename(path)
        except OSError:
            # Another uri with the same files came first; what it holds is the same if it is whole.
            if not path.is_dir():
                raise
            if digest_of(digest_files(path)) != digest:
                self._discard(path)
                partial.rename(path)
        return path


def _refuse_escapes(store: Store, keys: Sequence[str]) -> None:
    for key in keys:
        if not {"", ".", ".."}.isdisjoint(key.split("/")) or "\0" in key:
            raise SecurityError(
                f"model directory {store.uri} has a key that would be written outside of the cache: remove it"
            )


def _fingerprint(store: Store, listing: Sequence[ObjectInfo]) -> str:
    digest = hashlib.sha256(store.uri.encode())
    for info in listing:
        digest.update(f"\n{info.etag} {info.size} {info.key}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
