"""The one part of a `multipart/related` body (RFC 2387), read as it comes."""

from collections.abc import Callable
from email.parser import BytesHeaderParser

from cluster.storage.dicomweb.faults import Unproved
from cluster.storage.dicomweb.service import PIECE

_LONGEST_HEAD = 1 << 16


class OnePart:
    """The body of the only part. `kind` is its media type, `length` what its header says of its size, if it does.

    Raises Unproved where there is no part, or more than one, or where the body ends before its last boundary.
    """

    def __init__(self, where: str, read: Callable[[int], bytes], boundary: str) -> None:
        self._where = where
        self._read = read
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first boundary may stand at the very beginning, without the line break that belongs to it.
        self._held = bytearray(b"\r\n")
        self._ended = False
        self._given = 0
        if not boundary:
            raise self._unproved("a multipart body names no boundary")
        self.kind, self.length = self._begin()

    def read(self) -> bytes:
        """The next bytes; empty at the end of the part, once it is proved to be the last one."""
        while not self._ended:
            at = self._held.find(self._mark)
            keep = len(self._mark) - 1
            if at >= 0:
                piece = bytes(self._held[:at])
                del self._held[: at + len(self._mark)]
                self._end(len(piece))
                return piece
            if len(self._held) > keep:
                piece = bytes(self._held[:-keep])
                del self._held[:-keep]
                self._given += len(piece)
                return piece
            self._more()
        return b""

    def _begin(self) -> tuple[str, int | None]:
        self._skip_to(self._mark)
        if self._peek(2) == b"--":
            raise self._unproved("a multipart body without a part")
        # White space may stand behind a boundary; a part without headers begins with an empty line.
        self._skip_to(b"\r\n")
        self._held[:0] = b"\r\n"
        head = BytesHeaderParser().parsebytes(self._skip_to(b"\r\n\r\n").lstrip() + b"\r\n\r\n")
        length = str(head.get("Content-Length", ""))
        kind = head.get_content_type() if head["Content-Type"] else "application/dicom"
        return kind, int(length) if length.isascii() and length.isdigit() else None

    def _skip_to(self, mark: bytes) -> bytes:
        """What stands before the mark, which is passed."""
        while (at := self._held.find(mark)) < 0:
            if len(self._held) > _LONGEST_HEAD:
                raise self._unproved("a body is not the multipart that its header says")
            self._more()
        before = bytes(self._held[:at])
        del self._held[: at + len(mark)]
        return before

    def _peek(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        return bytes(self._held[:size])

    def _end(self, last: int) -> None:
        self._ended = True
        self._given += last
        if self._peek(2) != b"--":
            raise self._unproved("several instances where one was asked for")
        if self.length not in (None, self._given):
            raise self._unproved("a part is not as long as it says")
        # Chunks end behind the last boundary, and only a connection that was read to its end is used again.
        self._read(PIECE)

    def _more(self) -> None:
        piece = self._read(PIECE)
        if not piece:
            raise self._unproved("a body was cut off")
        self._held += piece

    def _unproved(self, what: str) -> Unproved:
        return Unproved(f"{self._where}: {what}: look at the service and for a proxy or gateway before it")
