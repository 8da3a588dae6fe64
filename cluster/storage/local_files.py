"""The file system under a local store: walking it, and writing whole files."""

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from cluster.storage.errors import AccessRefusedError
from cluster.storage.local_errors import ABSENT

T = TypeVar("T")


class Ask(Protocol):
    """Makes a call of the file system: its OSErrors as ours, again where that may help."""

    def __call__(self, call: Callable[[], T], /) -> T: ...


HIDDEN = ".tmp-"
"""Names of unfinished files begin so; they are never objects."""


class Found(NamedTuple):
    """A file, or a link that leads nowhere (an object that turns out to be missing), with what stat says of it."""

    key: str
    stat: os.stat_result


def walk(root: str, prefix: str, ask: Ask) -> Iterator[Found]:
    """What lies under `root` with a key that starts with `prefix`, in the order of the keys' bytes.

    Symbolic links are followed, as archives of links are common; one that leads back to a folder above is not entered.
    `ask` makes the calls of the file system, one folder at a time, again where they fail.
    """
    folder, slash, _ = prefix.rpartition("/")
    yield from _walk(os.path.join(root, folder), folder + slash, prefix, frozenset(), ask)


def _walk(folder: str, at: str, prefix: str, above: frozenset[str], ask: Ask) -> Iterator[Found]:
    # By its real path: a link has a name of its own wherever it leads.
    real = os.path.realpath(folder)
    if real in above:
        return
    for name, found in ask(lambda: _entries(folder, at, prefix)):
        if name.endswith("/"):
            yield from _walk(os.path.join(folder, name[:-1]), at + name, prefix, above | {real}, ask)
        elif found is not None:
            yield Found(at + name, found)


def _entries(folder: str, at: str, prefix: str) -> list[tuple[str, os.stat_result | None]]:
    """What a folder holds, sorted as the keys are: a folder's name goes with its slash ("a.txt" before "a/b")."""
    try:
        with os.scandir(folder) as found:
            named = [_named(entry) for entry in found if not entry.name.startswith(HIDDEN)]
    except PermissionError:
        # Only the folder is named: what is in it, whose names may be those of people, was not seen.
        raise AccessRefusedError(
            f"folder {folder!r} cannot be listed: grant this user access to it, or name the files in a table"
        ) from None
    except OSError as error:
        # Also where no folder can have such a name.
        if error.errno not in ABSENT:
            raise
        return []
    wanted = (
        (name, found)
        for name, found in named
        if found is not None and ((at + name).startswith(prefix) or prefix.startswith(at + name))
    )
    return sorted(wanted, key=lambda pair: os.fsencode(pair[0]))


def _named(entry: os.DirEntry[str]) -> tuple[str, os.stat_result | None]:
    """Its name, with a slash if it is a folder, and its stat, None for what is neither folder nor object.

    Not os.path.isdir and the like, to which a mount that fails is no folder and no file.
    """
    if entry.is_dir(follow_symlinks=False):
        return entry.name + "/", entry.stat(follow_symlinks=False)
    try:
        found = entry.stat()
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        return entry.name, entry.stat(follow_symlinks=False) if entry.is_symlink() else None
    if stat.S_ISDIR(found.st_mode):
        return entry.name + "/", found
    return entry.name, found if stat.S_ISREG(found.st_mode) else None


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
            # What went wrong first is what counts; a hidden file that stays is a pending upload.
            with suppress(OSError):
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
    for _ in range(3):  # another process may prune the parent as it is still empty
        make_folder(parent)
        try:
            os.mkdir(folder)
        except FileExistsError:
            return
        except FileNotFoundError:
            continue
        sync_folder(parent)
        return
    # The parent is there: a file system of the kernel's, such as /proc.
    raise PermissionError(errno.EPERM, "no folder can be made there")


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
