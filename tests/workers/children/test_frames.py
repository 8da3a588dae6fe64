"""Records and results in shared memory, and what disorder there gives."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workers.children import frames, memory
from workers.children.contract import Request, Result

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))


@given(st.lists(st.lists(ARRAYS, max_size=3), max_size=4))
def test_any_numeric_arrays_come_back_bit_for_bit(records: list[list[np.ndarray]]) -> None:
    fd = memory.create()
    offset = 0
    for arrays in records:
        offset = frames.write_result(fd, offset, Result(arrays, {"n": len(arrays)}, seconds=0.5))
    results = frames.read_results(memory.map_shared(fd), len(records))
    os.close(fd)
    for result, arrays in zip(results, records, strict=True):
        assert result.meta == {"n": len(arrays)}
        for got, want in zip(result.arrays, arrays, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            assert got.tobytes() == want.tobytes()


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_bytes_come_back_as_requests(data: list[bytes]) -> None:
    fd = memory.create()
    requests = [Request(one, {"size": len(one)}, "secret-name") for one in data]
    frames.write_requests(fd, requests, named=False)
    found = frames.read_requests(memory.map_shared(fd, writable=False))
    assert [bytes(request.data) for request in found] == data
    assert [request.context["size"] for request in found] == [len(one) for one in data]
    assert b"secret-name" not in os.pread(fd, 1_000_000, 0)
    os.close(fd)


def _framed(content: object) -> bytes:
    text = json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text


@given(
    st.one_of(st.binary(max_size=200), st.sampled_from([1, [], [[["x", [1]]], {}, None, "", 0, ""]]).map(_framed)),
    st.integers(1, 3),
)
def test_bytes_that_are_no_frames_are_a_value_error(noise: bytes, count: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json, numpy or ours, with one meaning
        frames.read_results(np.frombuffer(noise, np.uint8), count)


def test_more_buffers_than_one_call_takes_are_all_written() -> None:
    fd = memory.create()
    assert memory.write_at(fd, 3, [b"ab", b""] * 5000) == 10_003
    assert os.pread(fd, 20_000, 0) == bytes(3) + b"ab" * 5000
    os.close(fd)
