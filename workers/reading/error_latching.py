"""Tell a storage that fails from an object that is damaged, whatever a parser makes of the error."""

from __future__ import annotations

import errno
import io
from typing import IO, TYPE_CHECKING

from cluster.storage import ObjectError
from schemas.errors import InfrastructureError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def disk_failure(error: OSError) -> InfrastructureError:
    """What an error of the operating system is to us. The path is left out: it holds the key."""
    code = errno.errorcode.get(error.errno or 0, "EIO")
    return InfrastructureError(f"a file cannot be read: {code}: check the disk or mount, then run the command again")


def raise_if_disk(error: Exception) -> None:
    """Raise InfrastructureError for an error of the operating system; Arrow's own OSErrors carry no number."""
    if isinstance(error, OSError) and error.errno is not None:
        raise disk_failure(error) from None


class ErrorLatchingReader(io.RawIOBase):
    """A file as it is, which remembers the first time that reading it failed.

    Parsers take any error for damaged bytes, some in silence; so it is asked afterwards: `raise_failure`.
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
        except OSError as error:
            raise self._note(disk_failure(error)) from None

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read as the file does."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def _note(self, failure: Exception) -> Exception:
        self._failure = self._failure or failure
        return failure
