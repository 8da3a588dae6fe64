"""The file system under a local store: walking, writing whole files, and what its errors mean."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.storage.errors import ObjectMissing
from schemas.errors import InfrastructureError

HIDDEN = ".tmp-"
"""Names of unfinished files begin so; they are never objects."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP})
_REMEDIES = {
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "raise the quota or free space",
    errno.EACCES: "grant this user access to the directory",
    errno.EPERM: "grant this user access to the directory",
    errno.EROFS: "the disk is read-only: choose another directory",
}


@contextmanager
def disk(root: str, writing: bool = False) -> Iterator[None]:
    """OSErrors as InfrastructureError, or ObjectMissing when reading. The path is left out: it holds the key."""
    try:
        yield
    except OSError as error:
        if error.errno in _ABSENT and not writing:
            raise ObjectMissing from None
        code = errno.errorcode.get(error.errno or 0, "EIO")
        remedy = _REMEDIES.get(error.errno or 0, "check the disk or mount")
        raise InfrastructureError(f"directory {root!r}: {code}: {remedy}, then run the same command again") from None


def walk(root: str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Keys under `root` that start with `prefix`, with their entries, in the order of the keys' bytes.

    Symbolic links are followed, as archives of links are common; one that leads back to a folder above is not entered.
    """
    folder, slash, _ = prefix.rpartition("/")
    yield from _walk(os.path.join(root, folder), folder + slash, prefix, frozenset())


def _walk(folder: str, at: str, prefix: str, above: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    real = os.path.realpath(folder)
    if real in above:
        return
    for name, entry in _entries(folder):
        key = at + name
        if entry.name.startswith(HIDDEN) or not (key.startswith(prefix) or prefix.startswith(key)):
            continue
        if name.endswith("/"):
            yield from _walk(entry.path, key, prefix, above | {real})
        elif _is_object(entry):
            yield key, entry


def _entries(folder: str) -> list[tuple[str, os.DirEntry[str]]]:
    """Entries of a folder, sorted as their keys are: a folder's name goes with its slash ("a.txt" before "a/b")."""
    try:
        with os.scandir(folder) as found:
            named = [(entry.name + "/" if _is_folder(entry) else entry.name, entry) for entry in found]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(named, key=lambda pair: os.fsencode(pair[0]))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A link that leads to itself is an error to DirEntry.is_dir, and no folder to os.path.isdir.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _is_object(entry: os.DirEntry[str]) -> bool:
    """Files, and links that lead nowhere: those are objects that turn out to be missing, not nothing at all."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()


def listed_stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Size and time of a listed file, or of a link that leads nowhere; None if it is gone by now."""
    try:
        return entry.stat(follow_symlinks=os.path.exists(entry.path))
    except FileNotFoundError:
        return None


def write_hidden(final: str, body: bytes | Path, attempt: str) -> str:
    """Write `body`, synced, to a hidden file beside `final`; returns its path."""
    folder = os.path.dirname(final)
    path = os.path.join(folder, f"{HIDDEN}{attempt}-{uuid.uuid4().hex[:8]}")
    for _ in range(5):
        make_folder(folder)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileNotFoundError:  # another process pruned the folder as it was still empty
            continue
        try:
            _fill(descriptor, body)
        except BaseException:
            os.unlink(path)
            raise
        return path
    raise OSError(errno.EIO, "folder vanishes")


def _fill(descriptor: int, body: bytes | Path) -> None:
    with open(descriptor, "wb") as sink:
        if isinstance(body, Path):
            with body.open("rb") as source:
                shutil.copyfileobj(source, sink, 1 << 20)
        else:
            sink.write(body)
        sink.flush()
        os.fsync(descriptor)


def make_folder(folder: str) -> None:
    """Create a folder and those above it, each made durable in its parent."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_folder(parent)
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    sync_folder(parent)


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(folder: str, root: str) -> None:
    """Remove empty folders from `folder` up to but not including `root`: a prefix without objects is nothing."""
    while folder != root and folder.startswith(root):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)
