"""A node's cache of model directories, by digest: fetched once, whole or not at all, shared by all its workers.

Models are loaded from here and from nowhere else, so that the bytes that were hashed are those that are loaded: a
directory of its owner's could be another one between its hash and the last process that opens it, and lie there as it
was when somebody looks again.
"""

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
from cluster.storage.objects import ObjectInfo, Store
from cluster.storage.settings import StorageSettings
from cluster.storage.uri import parse, split
from schemas.errors import InfrastructureError, RefusedError, SecurityError, SpecError, UsageError

_AT_ONCE = 8


class Fetched(NamedTuple):
    """A model directory on this node. `files` are the sha256 of its files by relative path."""

    path: Path
    digest: str
    files: Mapping[str, str]

    @contextmanager
    def named(self, uri: str) -> Iterator[None]:
        """Errors of what is read there name the directory as its owner knows it."""
        try:
            yield
        except (SpecError, SecurityError) as error:
            raise type(error)(str(error).replace(str(self.path), uri.rstrip("/"))) from error

    def check(self, uri: str) -> None:
        """Raises RefusedError if the copy was changed: what was read of it may be something else."""
        if _kept(self.path.parent, self.digest, remembered=True) is None:
            raise RefusedError(
                f"the copy of model {uri} in {str(self.path.parent)!r} was changed while it was loaded: see to it that "
                "nobody else writes there, or set WARDROUND_CACHE"
            )


def fetch_directory(
    uri: str,
    settings: StorageSettings | None = None,
    cache_root: Path | None = None,
    *,
    expected_sha256: str | None = None,
    remembered: bool = False,
) -> Fetched:
    """The directory at `uri` as local files, with its digest (see `digest_of`), computed anew from what lies there.

    It is copied into `cache_root` (`$WARDROUND_CACHE`, else `~/.cache/wardround/models`) unless a copy of it is there
    and whole. One on a local disk is copied too: what is in the cache stays what it was, and libraries that are given
    a path map files into memory, where a mount that fails kills the process (SIGBUS).

    `remembered`: files that this node has hashed already, and that were not changed since by all that their file system
    says (inode, size, times), are not read again.

    Raises UsageError if there are no files, RefusedError if the digest is not `expected_sha256`, SecurityError if a
    key would be written outside of the directory, InfrastructureError where storage or the cache's disk fails.
    """
    store = open_store(uri, settings)
    root = cache_root or _default_root()
    with _disk_of(root):
        fetched = _Cache(root, store, settings, remembered).fetch()
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


def _sha256(store: Store, key: str) -> str:
    try:
        return store.sha256(key)
    except ObjectMissing:
        raise UsageError(
            f"model directory {store.uri}: {key!r} is a link that leads nowhere, or was removed this moment: "
            "restore it or remove the link"
        ) from None


@contextmanager
def _disk_of(root: Path) -> Iterator[None]:
    """Errors of the cache's own disk in our terms."""
    try:
        yield
    except OSError as error:
        kind = AccessRefusedError if isinstance(error, PermissionError) else InfrastructureError
        raise kind(f"model cache {str(root)!r}: {error.strerror}: free space there or set WARDROUND_CACHE") from None


def _kept(root: Path, digest: str, remembered: bool) -> Fetched | None:
    """The copy of this digest, if it is there and whole."""
    folder = root / digest
    try:
        files = HashedFiles(root).sha256(folder, file_names(folder), lambda: digest_files(folder), remembered)
    except FileNotFoundError:  # not there yet, or discarded by another process as it was damaged
        return None
    return Fetched(folder, digest, files) if digest_of(files) == digest else None


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
        self._is_local = parse(store.uri).scheme == "file"
        self._listing = _listing(store, settings)
        _refuse_escapes(store, [info.key for info in self._listing])
        self._name = _fingerprint(store, self._listing)

    def fetch(self) -> Fetched:
        """From the cache, or from the store. Raises OSError of the cache's disk too."""
        known = self._known()
        if known is not None:
            return known
        with self._locked():
            return self._known() or self._download()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process a listing; the system releases the lock of one that dies."""
        folder = self._root / "index"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self._name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _known(self) -> Fetched | None:
        """The copy of what lies there, if it is whole. Needs no lock: the workers of a node check at once."""
        if self._is_local:
            # Time and size, which a listing tells of, are the same of a file that was exchanged with care.
            return _kept(self._root, self._hashed(), remembered=True)
        try:
            digest = (self._root / "index" / self._name).read_text()
        except FileNotFoundError:
            return None
        return _kept(self._root, digest, self._remembered)

    def _hashed(self) -> str:
        """The digest of a local directory as it lies there."""
        keys = [info.key for info in self._listing]
        files = HashedFiles(self._root).sha256(
            Path(self._store.uri), keys, lambda: {key: _sha256(self._store, key) for key in keys}, self._remembered
        )
        return digest_of(files)

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
    digest = hashlib.sha256(store.uri.encode("utf-8", "surrogatepass"))
    for info in listing:
        digest.update(f"\n{info.etag} {info.size} {info.key}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
