"""Anonymous shared memory (memfd): without a name, gone with its last holder, not bounded by /dev/shm."""

import ctypes
import mmap
import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

ALIGNMENT = 64
"""Every array begins at a multiple of this many bytes: a cache line, enough for any vector instruction."""

_MAX_BUFFERS_A_CALL = 1024
_FAILED = ctypes.c_void_p(-1).value


def _load_libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc


class _Mapping:
    """A shared mapping, unmapped when the last array over it is gone.

    Not mmap.mmap: that keeps a file descriptor for each mapping, and thousands of results can be alive at once.
    """

    _libc = _load_libc()

    def __init__(self, fd: int, size: int, writable: bool) -> None:
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        address = self._libc.mmap(None, size, protection, mmap.MAP_SHARED, fd, 0)
        if address == _FAILED:
            error = ctypes.get_errno()
            raise MemoryError(f"cannot map {size} bytes of shared memory: {os.strerror(error)}")
        self._address, self._size, self._writable = address, size, writable

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"data": (self._address, not self._writable), "shape": (self._size,), "typestr": "|u1", "version": 3}

    def __del__(self) -> None:
        # Not where mmap failed in the constructor.
        if hasattr(self, "_address"):
            self._libc.munmap(self._address, self._size)


def create(size: int = 0) -> int:
    """A new descriptor of `size` zero bytes; grows when written to. The caller closes it."""
    fd = os.memfd_create("wardround", os.MFD_CLOEXEC)
    if size:
        os.ftruncate(fd, size)
    return fd


def map_shared(fd: int, *, writable: bool = True) -> Bytes:
    """All of the file as bytes; `fd` may be closed at once. Raises MemoryError where it cannot be mapped."""
    size = os.fstat(fd).st_size
    if size == 0:
        return np.empty(0, np.uint8)
    return np.asarray(_Mapping(fd, size, writable))


def write_at(fd: int, offset: int, buffers: Sequence[bytes | memoryview]) -> int:
    """Write contiguous byte buffers one after the other; the offset after the last. Raises OSError when out of memory.

    Writing copies once without a page fault in this process, which is cheaper than copying into a mapping.
    """
    views = [memoryview(buffer).cast("B") for buffer in buffers if len(buffer)]
    done = 0
    while done < len(views):
        written = os.pwritev(fd, views[done : done + _MAX_BUFFERS_A_CALL], offset)
        offset += written
        # The system may write less than it is given, and end inside a buffer.
        while done < len(views) and written >= len(views[done]):
            written -= len(views[done])
            done += 1
        if written:
            views[done] = views[done][written:]
    return offset


def padding(length: int) -> bytes:
    """The zero bytes that bring `length` to the next multiple of ALIGNMENT."""
    return bytes(-length % ALIGNMENT)


class SharedBytes:
    """Bytes that several requests have: children map the one copy of them. `view` is of this process."""

    def __init__(self, data: bytes | memoryview) -> None:
        """Copy them. Raises OSError where there is no memory."""
        self.fd = create()
        write_at(self.fd, 0, [data])
        self.view: memoryview = map_shared(self.fd, writable=False).data

    def __len__(self) -> int:
        return len(self.view)

    def __del__(self) -> None:
        # Requests that are still under way hold it.
        os.close(self.fd)


class Progress:
    """Shared page on which a child publishes the index in its chunk of the record at hand, and when that began.

    -1: none begun. The number of records: all done. Times are nanoseconds of CLOCK_MONOTONIC, one clock for all
    processes of a machine.
    """

    SIZE = 16

    def __init__(self, fd: int) -> None:
        self._words = map_shared(fd).view(np.int64)

    def publish(self, index: int) -> None:
        """Say which record is next; all before it are written completely."""
        # The time first: a reader that sees one word of each record must not take the new one for late.
        self._words[1] = time.monotonic_ns()
        self._words[0] = index

    def read(self) -> tuple[int, int]:
        """Index and start. Not one atomic read: judge a record late only after two equal reads."""
        return int(self._words[0]), int(self._words[1])
