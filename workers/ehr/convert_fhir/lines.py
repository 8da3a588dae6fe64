"""Lines of NDJSON: of a range of bytes, or of a gzipped file as a stream. Bounded memory, whatever the file holds."""

import io
from collections.abc import Callable, Iterator

from schemas.status import Status
from workers.ehr.fhir.line import Line
from workers.reading.gzip import InflationError, in_blocks, inflated

_STEP = 1 << 20

Fetch = Callable[[int, int], bytes]
"""Bytes of a file from a place on; fewer only at its end."""


def lines_of_range(fetch: Fetch, start: int, stop: int, max_line: int) -> Iterator[Line]:
    """The lines that begin in `start:stop` of a file, the last one read to its end."""
    if stop <= start:
        return
    begin = max(0, start - 1)
    data = fetch(begin, stop - begin)
    at = 0
    if start:
        newline = data.find(b"\n")
        if newline < 0:
            return
        at = newline + 1
    position = begin + at
    while at < len(data):
        newline = data.find(b"\n", at)
        if newline < 0:
            break
        yield _line(position, data[at:newline], max_line)
        position += newline + 1 - at
        at = newline + 1
    if position < stop:
        yield _last_line(fetch, data[at:], position, stop, max_line)


def _last_line(fetch: Fetch, held: bytes, position: int, stop: int, max_line: int) -> Line:
    """The line that a range ends in, read on until it ends."""
    parts, length = [held], len(held)
    while length <= max_line:
        more = fetch(stop, _STEP)
        newline = more.find(b"\n")
        parts.append(more if newline < 0 else more[:newline])
        length += len(parts[-1])
        stop += len(more)
        if newline >= 0 or not more:
            break
    return _line(position, b"".join(parts), max_line)


def _line(position: int, data: bytes, max_line: int) -> Line:
    if len(data) > max_line:
        return Line(position, b"", Status.TOO_LARGE, f"longer than {max_line} bytes")
    return Line(position, data[:-1] if data.endswith(b"\r") else data)


def lines_of_gzip(stream: io.BufferedIOBase, max_line: int, max_inflated: int) -> Iterator[Line]:
    """The lines of a gzipped file, of one member or several. What cannot be had of it is one last line with trouble."""
    position, held, skipping = 0, bytearray(), False
    try:
        for piece in inflated(in_blocks(stream), max_inflated):
            held += piece
            *whole, rest = bytes(held).split(b"\n")
            for data in whole:
                yield _too_long(position, max_line) if skipping else _line(position, data, max_line)
                position += len(data) + 1
                skipping = False
            held = bytearray(rest)
            if len(held) > max_line:
                skipping = True
                position += len(held)
                held.clear()
    except InflationError as error:
        yield Line(position, b"", error.status, error.detail)
        return
    if skipping:
        yield _too_long(position, max_line)
    elif held:
        yield _line(position, bytes(held), max_line)


def _too_long(position: int, max_line: int) -> Line:
    return Line(position, b"", Status.TOO_LARGE, f"longer than {max_line} bytes")


def document(fetch: Fetch, size: int, most: int) -> Line:
    """A whole file of JSON."""
    if size > most:
        return Line(0, b"", Status.TOO_LARGE, f"longer than {most} bytes")
    return Line(0, fetch(0, size), is_document=True)


def document_of_gzip(stream: io.BufferedIOBase, most: int, max_inflated: int) -> Line:
    """A whole gzipped file of JSON."""
    held = bytearray()
    try:
        for piece in inflated(in_blocks(stream), min(max_inflated, most + 1)):
            held += piece
            if len(held) > most:
                return Line(0, b"", Status.TOO_LARGE, f"longer than {most} bytes")
    except InflationError as error:
        too_long = error.status == Status.TOO_LARGE and most < max_inflated
        return Line(0, b"", error.status, f"longer than {most} bytes" if too_long else error.detail)
    return Line(0, bytes(held), is_document=True)
