"""How chunks and results lie in shared memory: a length, JSON, then the bytes, aligned.

A chunk is one frame. Each result is a frame of its own, written when its record is done, so that what a child
finished before it died is still there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

import numpy as np

from schemas.errors import WardroundError
from schemas.status import Status
from workers.children import memory
from workers.children.contract import Array, Request, Result
from workers.children.memory import ALIGNMENT, Bytes

_LENGTH = struct.Struct("<Q")
_KINDS = "biufc"


def write_requests(fd: int, requests: Sequence[Request], *, named: bool) -> None:
    """Write a chunk. `named`: with record ids, for an armed crash point."""
    views = [memoryview(request.data).cast("B") if len(request.data) else b"" for request in requests]
    header = [
        (len(view), request.context, request.record_id if named else "")
        for view, request in zip(views, requests, strict=True)
    ]
    buffers: list[bytes | memoryview] = _head(header)
    for view in views:
        buffers += [view, memory.padding(len(view))]
    memory.write_at(fd, 0, buffers)


def read_requests(chunk: Bytes) -> list[Request]:
    """The chunk that `write_requests` wrote; data are views of it."""
    header, offset = _read_head(chunk, 0)
    requests = []
    for length, context, record_id in header:
        requests.append(Request(_cut(chunk, offset, length).data, context, record_id))
        offset = _aligned(offset + length)
    return requests


def write_result(fd: int, offset: int, result: Result) -> int:
    """Append one result; the offset of the next. Raises WardroundError for what cannot be carried."""
    arrays = [np.asarray(array) for array in result.arrays]
    if any(array.dtype.kind not in _KINDS for array in arrays):
        raise WardroundError("a decoder returned an array that is not numeric")
    shapes = [(array.dtype.str, array.shape) for array in arrays]
    try:
        buffers = _head((shapes, result.meta, result.status, result.detail, result.seconds, ""))
    except (TypeError, ValueError):
        raise WardroundError("a decoder returned meta that JSON cannot carry") from None
    for array in arrays:
        buffers += [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, memory.padding(array.nbytes)]
    return memory.write_at(fd, offset, buffers)


def write_bug(fd: int, offset: int, bug: str) -> int:
    """Append, in place of a result, what is wrong with the handler."""
    return memory.write_at(fd, offset, [*_head(([], {}, None, "", 0.0, bug))])


def read_results(answer: Bytes, count: int) -> list[Result]:
    """The first `count` results; their arrays are views of `answer`.

    Raises WardroundError where the handler has a bug, ValueError where the bytes are not frames.
    """
    results, offset = [], 0
    try:
        for _ in range(count):
            result, offset = _read_result(answer, offset)
            results.append(result)
    except TypeError as error:
        raise ValueError("the memory does not hold results") from error
    return results


def _read_result(answer: Bytes, offset: int) -> tuple[Result, int]:
    (shapes, meta, status, detail, seconds, bug), offset = _read_head(answer, offset)
    if bug:
        raise WardroundError(bug)
    arrays = []
    for dtype, shape in shapes:
        array = _view(answer, offset, np.dtype(dtype), shape)
        offset = _aligned(offset + array.nbytes)
        arrays.append(array)
    return Result(arrays, meta, None if status is None else Status(status), detail, seconds), offset


def _head(content: object) -> list[bytes | memoryview]:
    text = json.dumps(content).encode()
    return [_LENGTH.pack(len(text)), text, memory.padding(_LENGTH.size + len(text))]


def _read_head(data: Bytes, offset: int) -> tuple[list, int]:  # type: ignore[type-arg]  # JSON
    (length,) = _LENGTH.unpack(_cut(data, offset, _LENGTH.size).data)
    content = json.loads(_cut(data, offset + _LENGTH.size, length).tobytes())
    return content, _aligned(offset + _LENGTH.size + length)


def _view(data: Bytes, offset: int, dtype: np.dtype[np.generic], shape: Sequence[int]) -> Array:
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    return _cut(data, offset, size).view(dtype).reshape(shape)


def _cut(data: Bytes, offset: int, length: int) -> Bytes:
    if not 0 <= length <= len(data) - offset:
        raise ValueError("the frame is longer than the memory that holds it")
    return data[offset : offset + length]


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
