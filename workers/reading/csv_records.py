"""Where the records of a CSV file begin and end, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from workers.reading.lines import DamagedError, Line

_QUOTE, _BREAK = b'"', b"\n"


def csv_records(content: Iterator[bytes], delimiter: bytes, limit: int) -> Iterator[Line]:
    """The records of a file with their line breaks; `number` is that of the first line.

    `data` is None, and `size` too, where a quote is open when the content ends, is damaged, or `limit` is passed: what
    follows cannot be told apart. Without an open quote a record longer than `limit` has its size, and no data.
    """
    buffer = _Buffer(content)
    start, number, is_open = 0, 1, False
    while not buffer.ended:
        buffer.grow()
        at = 0
        while True:
            end, is_open = record_end(buffer.held, at, delimiter)
            if end < 0:
                break
            size, data = end - at, buffer.held[at:end]
            yield Line(start, size, number, data if size <= limit else None)
            start, number, at = start + size, number + data.count(_BREAK), end
        buffer.held = buffer.held[at:]
        if not is_open and not buffer.ended and len(buffer.held) > limit:
            size = buffer.skip_line()
            yield Line(start, size, number, None)
            start, number = start + size, number + 1
        elif is_open and len(buffer.held) > limit:
            break
    if is_open or buffer.damaged:
        yield Line(start, None, number, None)
    elif buffer.held:
        yield Line(start, len(buffer.held), number, buffer.held if len(buffer.held) <= limit else None)


def record_end(data: bytes, at: int, delimiter: bytes) -> tuple[int, bool]:
    """Where the record that begins at `at` ends, behind its line break; -1 if not in `data`, and if a quote is open.

    A quote opens a field only at its start; inside, two stand for one. Anywhere else it is a character like others.
    """
    place = at
    can_open = True
    line_break = -2
    while True:
        quote = data.find(_QUOTE, place)
        if line_break < place and line_break != -1:
            line_break = data.find(_BREAK, place)
        if quote < 0 or 0 <= line_break < quote:
            return (line_break + 1 if line_break >= 0 else -1), False
        opens = (can_open and quote == place) or data[quote - 1 : quote] == delimiter
        place = quote + 1
        can_open = False
        if opens:
            closing = data.find(_QUOTE, place)
            if closing < 0:
                return -1, True
            # A quote right behind this one goes on with the field.
            place, can_open = closing + 1, True


class _Buffer:
    """What was read of a file and not used yet. `ended`: no more comes; `damaged`: though more should have."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self.held = b""
        self.ended = self.damaged = False
        self._content = content

    def grow(self) -> None:
        """Read as much again, so that a long record is not looked through anew for each block."""
        parts, size = [self.held], 0
        while not self.ended and size <= len(self.held):
            parts.append(self._block())
            size += len(parts[-1])
        self.held = b"".join(parts)

    def skip_line(self) -> int:
        """Drop the rest of the line that `held` begins, a block at a time. Returns the length of all of it."""
        size = 0
        while (end := self.held.find(_BREAK)) < 0 and not self.ended:
            size += len(self.held)
            self.held = self._block()
        end = len(self.held) if end < 0 else end + 1
        self.held = self.held[end:]
        return size + end

    def _block(self) -> bytes:
        try:
            block = next(self._content, None)
        except DamagedError:
            block, self.damaged = None, True
        self.ended = block is None
        return block or b""
