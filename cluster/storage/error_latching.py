"""Tell a storage that fails from an object that is damaged, whatever a parser makes of the error."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from cluster.storage.errors import ObjectError
from schemas.errors import InfrastructureError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class ErrorLatchingReader(io.RawIOBase):
    """A file as it is, which remembers the first time that reading it failed.

    Parsers in Python (pydicom, tifffile, zipfile) take any error for damaged bytes, some in silence; so it is asked
    afterwards: `raise_failure`. Arrow and zlib hand on what a reader raises and need none.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._failure: Exception | None = None

    def raise_failure(self) -> None:
        """Raise what storage failed with, if it did: InfrastructureError or an ObjectError."""
        if self._failure is not None:
            raise self._failure from None

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Read as the file does."""
        try:
            return self._file.read(-1 if size is None else size)
        except (InfrastructureError, ObjectError) as error:
            raise self._note(error) from None

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read as the file does."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def _note(self, failure: Exception) -> Exception:
        self._failure = self._failure or failure
        return failure
