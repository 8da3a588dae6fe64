from __future__ import annotations

import io
import zipfile

import pytest

from cluster.storage.error_latching import ErrorLatchingReader
from cluster.storage.errors import ObjectChanged, TransientError


class Failing(io.BytesIO):
    """Fails each read from the second on, each time with another error."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads == 2:
            raise TransientError("the mount failed")
        if self.reads > 2:
            raise ObjectChanged
        return super().read(size)


def test_what_a_parser_swallowed_is_raised_when_asked_the_first_of_it() -> None:
    file = ErrorLatchingReader(Failing(b"abcdef"))
    assert file.read(3) == b"abc"
    for _ in range(2):
        with pytest.raises((TransientError, ObjectChanged)):
            file.read(1)
    with pytest.raises(TransientError, match="the mount failed"):
        file.raise_failure()


def test_a_file_that_was_read_well_has_nothing_to_raise() -> None:
    file = ErrorLatchingReader(io.BytesIO(b"abcdef"))
    buffer = bytearray(4)
    assert file.readinto(buffer) == 4
    assert bytes(buffer) == b"abcd"
    assert (file.tell(), file.read(None), file.read()) == (4, b"ef", b"")
    file.raise_failure()


def test_damage_that_the_parser_finds_itself_is_not_storage_s() -> None:
    file = ErrorLatchingReader(io.BytesIO(b"no zip file"))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(file)
    file.raise_failure()
