"""A seekable file over bytes that lie elsewhere: pydicom asks for a file, and io.BytesIO would copy them all."""

from io import SEEK_CUR, SEEK_SET


class MemoryStream:
    """What pydicom asks of a file: `read`, `seek`, `tell`."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all that follow where it is negative."""
        end = len(self._data) if size < 0 else min(self._at + size, len(self._data))
        found = bytes(self._data[self._at : end])
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move, not before the start."""
        origin = 0 if whence == SEEK_SET else self._at if whence == SEEK_CUR else len(self._data)
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def close(self) -> None:
        """Nothing to close."""
