"""The only part of a body, whatever pieces it comes in, and bodies that do not have exactly one."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.multipart import OnePart


def in_pieces(body: bytes, size: int) -> Callable[[int], bytes]:
    stream = io.BytesIO(body)
    return lambda _: stream.read(size)


def whole(part: OnePart) -> bytes:
    found = b""
    while piece := part.read():
        found += piece
    assert part.read() == b""
    return found


@given(st.binary(max_size=200), st.integers(1, 50), st.sampled_from(["", "preamble\r\n", "\r\n"]), st.booleans())
def test_the_part_is_what_stands_between_its_boundaries(body: bytes, size: int, before: str, told: bool) -> None:
    head = f"content-type: application/dicom\r\n{f'Content-Length: {len(body)}' if told else 'X: y'}\r\n"
    text = f"{before}--b0b0b0\r\n{head}\r\n".encode() + body + b"\r\n--b0b0b0--\r\nepilogue"
    part = OnePart("here", in_pieces(text, size), "b0b0b0")
    assert (part.kind, part.length) == ("application/dicom", len(body) if told else None)
    assert whole(part) == body


def test_a_part_may_have_no_headers_and_its_boundary_white_space() -> None:
    part = OnePart("here", in_pieces(b"--b \t\r\n\r\nbody\r\n--b--", 3), "b")
    assert (part.kind, part.length, whole(part)) == ("application/dicom", None, b"body")


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "cut off"),
        (b"--b\r\nContent-Ty", "cut off"),
        (b"--b\r\n\r\nbody", "cut off"),
        (b"--b\r\n\r\nbody\r\n--b", "cut off"),
        (b"--b\r\n\r\nbody\r\n--b\r\n\r\nmore\r\n--b--", "several instances"),
        (b"--b--\r\n", "without a part"),
        (b"--b\r\nContent-Length: 5\r\n\r\nbody\r\n--b--", "not as long as it says"),
        (b"x" * 200_000, "not the multipart"),
    ],
)
def test_anything_else_is_no_answer(text: bytes, words: str, size: int) -> None:
    with pytest.raises(Unproved, match=words):
        whole(OnePart("here", in_pieces(text, max(size, len(text) // 1000)), "b"))
