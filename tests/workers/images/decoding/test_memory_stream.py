"""A file over bytes behaves as io.BytesIO does."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from workers.images.decoding.memory_stream import MemoryStream

STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 12), st.just(0)),
    st.tuples(st.just("seek"), st.integers(0, 12), st.just(io.SEEK_SET)),
    st.tuples(st.just("seek"), st.integers(-12, 12), st.sampled_from([io.SEEK_CUR, io.SEEK_END])),
)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=10), st.lists(STEPS, max_size=8))
def test_it_reads_seeks_and_tells_as_a_file_does(data: bytes, steps: list[tuple[str, int, int]]) -> None:
    ours, theirs = MemoryStream(memoryview(data)), io.BytesIO(data)
    for what, number, whence in steps:
        if what == "read":
            assert ours.read(number) == theirs.read(number)
        else:
            assert ours.seek(number, whence) == theirs.seek(number, whence)
        assert ours.tell() == theirs.tell()


def test_nothing_is_copied_before_it_is_read() -> None:
    data = bytearray(b"before")
    stream = MemoryStream(memoryview(data))
    data[:] = b"after!"
    assert stream.read() == b"after!"
