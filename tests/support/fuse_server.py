"""A directory served again through FUSE, as a process of its own: each request can be made to fail.

Speaks the kernel's protocol itself (linux/fuse.h, 7.31), since the suite cannot count on libfuse; one request at a
time. `python fuse_server.py BACKING MOUNTPOINT` reads commands, a JSON object a line, on its input and answers each
with one on its output; it unmounts when its input ends.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import stat
import struct
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

_HEADER = struct.Struct("<IIQQIIIHH")
_REPLY = struct.Struct("<IiQ")
_ATTR = struct.Struct("<6Q10I")
_LARGEST_WRITE = 1 << 17
_ROOT = 1
_DETACH = 2
_NO_REPLY = frozenset({2, 36, 42})  # FORGET, INTERRUPT, BATCH_FORGET
_NEVER_FAILS = frozenset({18, 25, 26, 29, 38})  # RELEASE, FLUSH, INIT, RELEASEDIR, DESTROY
_COUNTED = frozenset({14, 15, 16, 28, 35})  # OPEN, READ, WRITE, READDIR, CREATE


class Faults:
    """Which requests fail: those of paths that match, after `after` counted ones, `times` of them (None: all)."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.listed: list[str] = []
        self.set(0, None, "*", 0)

    def set(self, after: int, error: str | None, match: str, times: int | None) -> None:
        """Begin to count anew."""
        self.counted = self.failed = 0
        self.opened.clear()
        self.listed.clear()
        self._after, self._match, self._times = after, match, times
        self._error = None if error is None else getattr(errno, error)

    def check(self, opcode: int, path: str) -> None:
        """Raises OSError if this request is to fail."""
        if opcode in _NEVER_FAILS or not fnmatchcase(path, self._match):
            return
        is_due = self.counted >= self._after
        self.counted += opcode in _COUNTED
        if opcode == 14:
            self.opened.append(path)
        if opcode == 27:
            self.listed.append(path)
        spent = self._times is not None and self.failed >= self._times
        if self._error is not None and is_due and not spent:
            self.failed += 1
            raise OSError(self._error, "as told")


class Server:
    """Answers requests out of the directory `backing`."""

    def __init__(self, backing: str, faults: Faults) -> None:
        self._backing = backing
        self._faults = faults
        self._paths = {_ROOT: ""}
        self._nodes = {"": _ROOT}
        self._last = _ROOT
        self._calls: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 5: self._readlink, 9: self._mkdir, 10: self._unlink,
            11: self._rmdir, 12: self._rename, 13: self._link, 14: self._open, 15: self._read, 16: self._write,
            17: self._statfs, 18: self._release, 20: self._fsync, 25: self._nothing, 26: self._init,
            27: self._opendir, 28: self._readdir, 29: self._nothing, 30: self._nothing, 35: self._create,
            38: self._nothing, 45: self._rename2,
        }  # fmt: skip

    def answer(self, request: bytes) -> bytes | None:
        """The reply to one request of the kernel."""
        _, opcode, unique, node, *_ = _HEADER.unpack_from(request)
        if opcode in _NO_REPLY:
            return None
        try:
            call = self._calls.get(opcode)
            if call is None:
                raise OSError(errno.ENOSYS, "not served")
            body = request[_HEADER.size :]
            self._faults.check(opcode, self._named(opcode, node, body))
            found = call(node, body)
        except OSError as error:
            return _REPLY.pack(_REPLY.size, -(error.errno or errno.EIO), unique)
        return _REPLY.pack(_REPLY.size + len(found), 0, unique) + found

    def _named(self, opcode: int, node: int, body: bytes) -> str:
        """The path, below the mount, that a request is about."""
        skipped = {1: 0, 9: 8, 10: 0, 11: 0, 35: 16}.get(opcode)
        path = self._paths.get(node, "")
        return path if skipped is None else self._child(path, body[skipped:])

    @staticmethod
    def _child(path: str, name: bytes) -> str:
        text = os.fsdecode(name.split(b"\0", 1)[0])
        return f"{path}/{text}" if path else text

    def _real(self, path: str) -> str:
        return os.path.join(self._backing, path) if path else self._backing

    def _at(self, node: int) -> str:
        if node not in self._paths:
            raise OSError(errno.ESTALE, "gone")
        return self._real(self._paths[node])

    def _entry(self, path: str) -> bytes:
        found = os.lstat(self._real(path))
        if path not in self._nodes:
            self._last += 1
            self._nodes[path], self._paths[self._last] = self._last, path
        return struct.pack("<QQQQII", self._nodes[path], 0, 0, 0, 0, 0) + _attr(found)

    def _forget(self, path: str) -> None:
        self._nodes.pop(path, None)

    def _init(self, node: int, body: bytes) -> bytes:
        return struct.pack("<IIIIHHIIHHII6I", 7, 31, 1 << 17, 0, 0, 0, _LARGEST_WRITE, 1, 0, 0, 0, 0, *[0] * 6)

    def _nothing(self, node: int, body: bytes) -> bytes:
        return b""

    def _lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(self._child(self._paths[node], body))

    def _getattr(self, node: int, body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _attr(os.lstat(self._at(node)))

    def _setattr(self, node: int, body: bytes) -> bytes:
        valid, _, _, size, _, access, modified, _, access_ns, modified_ns, _, mode = struct.unpack_from(
            "<IIQQQQQQIIII", body
        )
        path = self._at(node)
        if valid & 1:
            os.chmod(path, mode & 0o7777)
        if valid & 8:
            os.truncate(path, size)
        if valid & 0x30:
            found = os.stat(path)
            os.utime(
                path,
                ns=(
                    access * 10**9 + access_ns if valid & 0x10 else found.st_atime_ns,
                    modified * 10**9 + modified_ns if valid & 0x20 else found.st_mtime_ns,
                ),
            )
        return self._getattr(node, body)

    def _readlink(self, node: int, body: bytes) -> bytes:
        return os.fsencode(os.readlink(self._at(node)))

    def _mkdir(self, node: int, body: bytes) -> bytes:
        path = self._child(self._paths[node], body[8:])
        os.mkdir(self._real(path), struct.unpack_from("<I", body)[0] & 0o7777)
        return self._entry(path)

    def _unlink(self, node: int, body: bytes) -> bytes:
        path = self._child(self._paths[node], body)
        os.unlink(self._real(path))
        self._forget(path)
        return b""

    def _rmdir(self, node: int, body: bytes) -> bytes:
        path = self._child(self._paths[node], body)
        os.rmdir(self._real(path))
        self._forget(path)
        return b""

    def _rename(self, node: int, body: bytes, names_at: int = 8) -> bytes:
        old_name, new_name = body[names_at:].split(b"\0")[:2]
        old = self._child(self._paths[node], old_name)
        new = self._child(self._paths[struct.unpack_from("<Q", body)[0]], new_name)
        os.rename(self._real(old), self._real(new))
        self._forget(new)
        for path in [path for path in self._nodes if path == old or path.startswith(old + "/")]:
            moved = new + path[len(old) :]
            self._nodes[moved] = self._nodes.pop(path)
            self._paths[self._nodes[moved]] = moved
        return b""

    def _rename2(self, node: int, body: bytes) -> bytes:
        return self._rename(node, body, 16)

    def _link(self, node: int, body: bytes) -> bytes:
        path = self._child(self._paths[node], body[8:])
        os.link(self._at(struct.unpack_from("<Q", body)[0]), self._real(path))
        return self._entry(path)

    def _open(self, node: int, body: bytes) -> bytes:
        flags = struct.unpack_from("<I", body)[0]
        kept = os.O_ACCMODE | os.O_TRUNC | os.O_APPEND
        return struct.pack("<QII", os.open(self._at(node), flags & kept), 0, 0)

    def _create(self, node: int, body: bytes) -> bytes:
        flags, mode = struct.unpack_from("<II", body)
        path = self._child(self._paths[node], body[16:])
        kept = os.O_ACCMODE | os.O_TRUNC | os.O_EXCL | os.O_APPEND
        handle = os.open(self._real(path), flags & kept | os.O_CREAT, mode & 0o7777)
        return self._entry(path) + struct.pack("<QII", handle, 0, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, offset)

    def _write(self, node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def _release(self, node: int, body: bytes) -> bytes:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def _fsync(self, node: int, body: bytes) -> bytes:
        return b""

    def _statfs(self, node: int, body: bytes) -> bytes:
        found = os.statvfs(self._backing)
        sizes = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
        return struct.pack("<5Q4I6I", *sizes, found.f_bsize, 255, found.f_frsize, 0, *[0] * 6)

    def _opendir(self, node: int, body: bytes) -> bytes:
        os.stat(self._at(node))
        return struct.pack("<QII", 0, 0, 0)

    def _readdir(self, node: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        made = b""
        for number, entry in enumerate(sorted(os.scandir(self._at(node)), key=lambda each: each.name)):
            name = os.fsencode(entry.name)
            kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
            record = struct.pack("<QQII", entry.inode(), number + 1, len(name), kind) + name
            record += b"\0" * (-len(record) % 8)
            if number >= offset:
                if len(made) + len(record) > size:
                    break
                made += record
        return made


def _attr(found: os.stat_result) -> bytes:
    seconds = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
    return _ATTR.pack(
        found.st_ino, found.st_size, found.st_blocks, *(ns // 10**9 for ns in seconds),
        *(ns % 10**9 for ns in seconds), found.st_mode, found.st_nlink, found.st_uid, found.st_gid, 0, 4096, 0,
    )  # fmt: skip


def serve(backing: str, mountpoint: str) -> None:
    """Mount, say so on stdout, and answer kernel and commands until the input ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    if libc.mount(b"fuse", os.fsencode(mountpoint), b"fuse", 6, options.encode()):  # 6: nosuid, nodev
        raise OSError(ctypes.get_errno(), "mount")
    faults = Faults()
    server = Server(backing, faults)
    try:
        _say({"ready": True})
        while True:
            ready, _, _ = select.select([device, 0], [], [])
            if 0 in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                _say(_obeyed(json.loads(line), faults))
            if device in ready:
                reply = server.answer(os.read(device, _LARGEST_WRITE + (1 << 16)))
                if reply is not None:
                    _send(device, reply)
    finally:
        libc.umount2(os.fsencode(mountpoint), _DETACH)


def _send(device: int, reply: bytes) -> None:
    try:
        os.write(device, reply)
    except FileNotFoundError:  # who asked was killed meanwhile
        return


def _obeyed(command: dict[str, Any], faults: Faults) -> dict[str, Any]:
    told = {
        "counted": faults.counted,
        "failed": faults.failed,
        "opened": list(faults.opened),
        "listed": list(faults.listed),
    }
    if command["do"] == "set":
        faults.set(command["after"], command["error"], command["match"], command["times"])
    return told


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(*sys.argv[1:])
