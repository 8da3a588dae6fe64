"""A file that can only be read forward, for readers that skip."""

import io

_STEP = 1 << 20


class ForwardFile:
    """`at` is the position. Seeks forward by reading."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = io.BufferedReader(file, _STEP)
        self.at = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer only at the end."""
        data = self._file.read(size)
        self.at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move forward, to the end at most; returns where that is."""
        assert whence == io.SEEK_SET
        while self.at < offset and self.read(min(_STEP, offset - self.at)):
            pass
        return self.at
