"""How chunks and results lie in shared memory: a length, JSON, then the bytes, aligned.

A chunk is one frame. Each result is a frame of its own, written when its record is done, so that what a child
finished before it died is still there.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.errors import WardroundError
from schemas.status import Status
from workers.children import failure, memory
from workers.children.contract import Array, Request, Result
from workers.children.memory import ALIGNMENT, Bytes, SharedBytes

_LENGTH = struct.Struct("<Q")
_KINDS = "biufc"


def write_requests(fd: int, requests: Sequence[Request], *, named: bool) -> None:
    """Write a chunk. `named`: with record ids, for an armed crash point. Shared bytes are named by their place."""
    shared = shared_of(requests)
    views = [_own_bytes(request) for request in requests]
    header = [
        (
            len(view),
            request.context,
            request.record_id if named else "",
            shared.index(request.data) if isinstance(request.data, SharedBytes) else -1,
        )
        for view, request in zip(views, requests, strict=True)
    ]
    buffers: list[bytes | memoryview] = _head(header)
    for view in views:
        buffers += [view, memory.padding(len(view))]
    memory.write_at(fd, 0, buffers)


def shared_of(requests: Sequence[Request]) -> list[SharedBytes]:
    """The bytes that these requests share among themselves or with others, each once."""
    return list(dict.fromkeys(request.data for request in requests if isinstance(request.data, SharedBytes)))


def _own_bytes(request: Request) -> bytes | memoryview:
    if isinstance(request.data, SharedBytes) or not len(request.data):
        return b""
    return memoryview(request.data).cast("B")


def read_requests(chunk: Bytes, shared: Sequence[Bytes] = ()) -> list[Request]:
    """The chunk that `write_requests` wrote; data are views of it, or of the `shared` bytes."""
    whole = chunk.data
    header, offset = _read_head(whole, 0)
    requests = []
    for length, context, record_id, place in header:
        data = whole[offset : offset + length] if place < 0 else shared[place].data
        requests.append(Request(data, context, record_id))
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


def write_error(fd: int, offset: int, error: WardroundError) -> int:
    """Append, in place of a result, what is wrong with the handler, or with this machine."""
    return memory.write_at(fd, offset, [*_head(([], {}, None, "", 0.0, failure.pack(error).decode()))])


def read_results(answer: Bytes, count: int) -> list[Result]:
    """The first `count` results; their arrays are views of `answer`.

    Raises the error that stands in place of one, ValueError where the bytes are not frames.
    """
    whole = answer.data
    results, offset = [], 0
    try:
        for _ in range(count):
            head, offset = _read_head(whole, offset)
            result, offset = _read_result(answer, head, offset)
            results.append(result)
    except (TypeError, struct.error) as error:
        raise ValueError("the memory does not hold results") from error
    return results


def _read_result(answer: Bytes, head: Any, offset: int) -> tuple[Result, int]:
    shapes, meta, status, detail, seconds, error = head
    if error:
        raise failure.unpack(error.encode())
    arrays: list[Array] = []
    for dtype, shape in shapes:
        array: Array = np.ndarray(shape, dtype, answer, offset)
        offset = _aligned(offset + array.nbytes)
        arrays.append(array)
    return Result(arrays, meta, None if status is None else Status(status), detail, seconds), offset


def _head(content: object) -> list[bytes | memoryview]:
    text = json.dumps(content).encode()
    return [_LENGTH.pack(len(text)), text, memory.padding(_LENGTH.size + len(text))]


def _read_head(whole: memoryview, offset: int) -> tuple[Any, int]:
    (length,) = _LENGTH.unpack_from(whole, offset)
    begin, end = offset + _LENGTH.size, offset + _LENGTH.size + length
    return json.loads(bytes(whole[begin:end])), _aligned(end)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
